import ControlProtocol
import HostAccess
import HostProtocol
import SessionModel
import SessionStore

extension Gateway {
    /// The portal's and the people's `stop`; with a delay, whoever watches is told before.
    func stop(_ number: SessionNumber, _ delay: StopDelay?, for caller: Standing) async throws -> ControlReply {
        let session = try await requireOwn(number, for: caller, unmoved: delay == nil)
        let seconds: Int
        switch delay {
        case nil where session.state == .ending:
            // Whoever began its end may have died since: to its user it is still there.
            await finishEnd(session)
            await awaitMoved(number)
            return .done("")
        case nil:
            await endSession(number, reason: .stopped)
            return .done("")
        case .standard: seconds = Int(settings.sessions.notice.components.seconds)
        case .seconds(let asked): seconds = Self.bounded(asked)
        }
        guard try await database.stopLater(number, in: seconds) else { throw SessionError.sessionNotRunning(number) }
        log.event("session stops later", [.session: "\(number)", .took: "\(seconds)"])
        return .done("Session \(number) ends in \(plainTime(seconds)); whoever watches it then is told before.")
    }

    /// `maxwell extend`: more time for a session. A person gets it against being unobserved, everyone else against all
    /// that would end it.
    func extend(_ number: SessionNumber, by seconds: Int?, for caller: Standing) async throws -> ControlReply {
        _ = try await requireOwn(number, for: caller)
        let time = seconds.map(Self.bounded) ?? 0
        guard try await database.extend(number, by: time, whatever: caller.ownName == nil) else {
            throw SessionError.sessionNotRunning(number)
        }
        let outlook = try await outlooks().first { $0.fact.number == number }
        log.event("session extended", [.session: "\(number)", .took: "\(time)"])
        guard let fate = outlook?.fate else { throw SessionError.sessionNotRunning(number) }
        let end = fate.endsIn.map { "is reaped in \(plainTime(Int($0)))" } ?? "is not reaped as things are"
        return .done("Session \(number) \(end): \(fate.words).")
    }

    /// A session that is there for its user; with `unmoved` also one that ends and has its rows still.
    private func requireOwn(
        _ number: SessionNumber, for caller: Standing, unmoved: Bool = false
    ) async throws -> SessionRecord {
        guard let session = try await database.session(number),
            session.state.isLive || unmoved && session.state == .ending && !session.isMoved
        else { throw SessionError.sessionUnknown(number) }
        try Self.require(caller, reaches: session)
        return session
    }

    /// Throws when the session is not the caller's to see.
    static func require(_ caller: Standing, reaches session: SessionRecord) throws(SessionError) {
        guard caller.reaches(session.owner) else {
            throw .notPermitted(caller.ownName ?? session.owner, session.number)
        }
    }

    /// Seconds that somebody asked for, 1 s to 30 days: the command line takes no others.
    static func bounded(_ seconds: Int) -> Int { min(max(1, seconds), 30 * 86400) }

    /// The one way out of a session, whatever ended it. Idempotent: the first caller ends it, later ones find it ended.
    /// It returns within half a second, with the portal's rows gone and the account written, save where the database was
    /// away: within ten, as ``awaitViews(of:)`` says. What does not leave on HUP goes on being ended by its keeper.
    ///
    /// - Parameter steps: what a start that failed has tried.
    func endSession(
        _ number: SessionNumber, reason: EndReason, steps: String? = nil, account: DisplayEnd? = nil
    ) async {
        do {
            guard let session = try await database.beginEnd(number, reason: reason.text, errorID: nil) else { return }
            await finishEnd(session, steps: steps, account: account)
        } catch {
            log.event(
                "session not ended", level: .error,
                [.session: "\(number)", .reason: reason.text, .cause: "\(error)"])
        }
    }

    /// Finishes an end that was begun, here or by a controller that died.
    func finishEnd(_ session: SessionRecord, steps: String? = nil, account: DisplayEnd? = nil) async {
        let number = session.number
        guard ends.begin(number) else { return }
        let stood = await accountNow(of: session)
        if let used = account ?? stood {
            // Should this controller die when the display is gone already: nobody else knows then.
            try? await database.noteAccount(number, wall: wall(used, of: session), cpu: used.cpuSeconds)
        }
        let ladder = Task { await endDisplay(of: session) }
        let views = Task { try await awaitViews(of: number) }
        let outcome = await firstOf(ladder, within: Self.answered)
        let known = account ?? outcome?.end ?? stood
        do {
            try await views.value
            try await database.finishEnd(
                number,
                accounts: SessionAccounts(
                    // What its host does not know any more was over when its end was begun.
                    wall: known.map { wall($0, of: session) } ?? session.noted?.wall
                        ?? Double(max(0, session.age - session.endingFor)),
                    cpu: known?.cpuSeconds ?? session.noted?.cpu ?? 0,
                    status: known?.status ?? 0), failedStart: EndReason.isOfStart(session.reason),
                exitStatus: known?.status, logTail: known?.logTail, steps: steps)
            log.event(
                "session ended",
                [.session: "\(number)", .user: "\(session.owner)", .host: session.hostText, .reason: session.reason])
        } catch {
            // Healing finishes it: until then it is ending.
            log.event("session rows not finished", level: .error, [.session: "\(number)", .cause: "\(error)"])
            ends.finished(number)
            return
        }
        if let outcome {
            await closeEnd(session, outcome)
        } else {
            Task { await closeEnd(session, await ladder.value) }
        }
    }

    /// Seconds that a session ran as its host says, but not more than have passed since its start: a host charges
    /// nobody for time that was not.
    private func wall(_ end: DisplayEnd, of session: SessionRecord) -> Double {
        // The end takes a while, and the host's clock is not ours.
        min(end.wallSeconds, Double(session.age) + 2 * (settings.hosts.stopPatience / .seconds(1)) + 60)
    }

    /// How long an end is waited for before it is answered for.
    private static let answered = Duration.milliseconds(300)
    /// How often an end looks for views of its session that have not ended, and how long it waits between looks: twenty make
    /// the time after which it is answered for.
    private static let looks = 20
    private static let look = Duration.milliseconds(15)
    /// How much longer it waits between looks while something that was told is being written: 10 s in all.
    private static let written = Duration.milliseconds(500)
    /// How long a keeper may take to tell an account, before the end goes on without.
    private static let told = Duration.milliseconds(100)

    /// What became of a session's display.
    enum DisplayOutcome: Sendable {
        /// Nothing of it is left.
        case ended(DisplayEnd?)
        /// Its host could not be asked: healing does it when the host is heard again.
        case unknown

        var end: DisplayEnd? { if case .ended(let end) = self { end } else { nil } }
    }

    /// The last step of an end: nothing of the session is left anywhere.
    private func closeEnd(_ session: SessionRecord, _ outcome: DisplayOutcome) async {
        let number = session.number
        defer { ends.finished(number) }
        guard case .ended(let end) = outcome else { return }
        do {
            try await database.closeEnd(
                number,
                final: end.map {
                    SessionAccounts(wall: wall($0, of: session), cpu: $0.cpuSeconds, status: $0.status ?? 0)
                },
                exitStatus: end?.status)
        } catch {
            log.event("session's end not closed", level: .error, [.session: "\(number)", .cause: "\(error)"])
        }
    }

    /// Ends the display of `session` on its host and gives its number back.
    private func endDisplay(of session: SessionRecord) async -> DisplayOutcome {
        // A start that failed may have none any more: its number can be another's by now.
        guard let place = session.place, let key = session.display?.key else { return .ended(nil) }
        do {
            let channel = try await fleet.channel(place.host)
            let patience = Double(settings.hosts.stopPatience.components.seconds)
            let reply = try await channel.ask(
                .endDisplay(display: place.number, key: key, patienceSeconds: patience),
                within: .seconds(2 * patience + 20))
            try await database.releaseDisplay(place.number, key: key, on: place.host)
            // One that is gone tells nothing of the session.
            if case .displayEnded(let end) = reply, end.session == session.number { return .ended(end) }
            return .ended(nil)
        } catch {
            log.event(
                "display not ended yet", level: .warning,
                [.session: "\(session.number)", .host: session.hostText, .cause: "\(error)"])
            return .unknown
        }
    }

    /// What a session has used up to now, as its keeper says; nil when that is not known in time.
    private func accountNow(of session: SessionRecord) async -> DisplayEnd? {
        guard let place = session.place, let key = session.display?.key,
            let reply = try? await fleet.channel(place.host).ask(
                .account(display: place.number, key: key), within: Self.told),
            case .account(let account) = reply, account.session == session.number
        else { return nil }
        return account
    }

    /// Waits until a session that another task ends has left the portal's tables, for a moment.
    private func awaitMoved(_ number: SessionNumber) async {
        let limit = ContinuousClock.now + Self.answered
        while ContinuousClock.now < limit, let session = try? await database.session(number), !session.isMoved {
            try? await Task.sleep(for: .milliseconds(15))
        }
    }

    /// Waits until the relays have told the ends of a session's views, for a moment; for what they told already, until it is
    /// in the tables. Looks are counted, and no time: where the database stands still, the relays' words stand with it.
    /// Throws while that is away.
    private func awaitViews(of session: SessionNumber) async throws {
        for _ in 0..<Self.looks {
            let views = try await database.unendedViews(of: session)
            guard !views.isEmpty else { return }
            let limit = ContinuousClock.now + Self.written
            repeat {
                try await Task.sleep(for: Self.look)
            } while await isToldMore(of: views) && ContinuousClock.now < limit
        }
    }

    /// Whether relays told something of `views` that is not in the tables yet. What the journal holds may be of any.
    private func isToldMore(of views: [UInt64]) async -> Bool {
        if toldViews.contains(anyOf: views) { return true }
        return await journal.isOpen
    }
}

/// What `task` returns, or nil when `limit` passes first; the task goes on.
func firstOf<Value: Sendable>(_ task: Task<Value, Never>, within limit: Duration) async -> Value? {
    let (results, feed) = AsyncStream.makeStream(of: Value?.self)
    let waiter = Task { feed.yield(await task.value) }
    let timer = Task {
        try? await Task.sleep(for: limit)
        feed.yield(nil)
    }
    defer {
        timer.cancel()
        waiter.cancel()
    }
    for await result in results { return result }
    return nil
}
