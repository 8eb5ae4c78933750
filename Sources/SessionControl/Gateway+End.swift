import ControlProtocol
import HostAccess
import HostProtocol
import SessionModel
import SessionStore

extension Gateway {
    /// The portal's and the people's `stop`.
    func stop(_ number: SessionNumber, as role: Role) async throws -> ControlReply {
        guard let session = try await database.session(number), session.state.isLive else {
            throw SessionError.sessionUnknown(number)
        }
        if let own = Rights.ownName(role), session.owner != own { throw SessionError.notPermitted(own, number) }
        await endSession(number, reason: "stopped")
        return .done("")
    }

    /// The one way out of a session, whatever ended it. Idempotent: the first caller ends it, later ones find it ended.
    ///
    /// - Parameter failedStart: the steps of a start that failed; nil for a session that came to run.
    ///
    /// The display's end is waited for up to 400 ms: an application that leaves on HUP is gone, and its account whole,
    /// when this returns. A stubborn one goes on being ended in the background.
    func endSession(
        _ number: SessionNumber, reason: String, failedStart: String? = nil, account: DisplayEnd? = nil
    ) async {
        do {
            guard let session = try await database.beginEnd(number, reason: reason, errorID: nil) else { return }
            await finishEnd(session, reason: reason, failedStart: failedStart, account: account)
        } catch {
            log.event("session not ended", level: .error, [.session: "\(number)", .reason: reason, .cause: "\(error)"])
        }
    }

    /// Finishes an end that was begun, here or by a controller that died.
    func finishEnd(_ session: SessionRecord, reason: String, failedStart: String?, account: DisplayEnd?) async {
        let ending = Task { await endDisplay(of: session) }
        let end = await firstOf(ending, within: .milliseconds(400)) ?? nil
        let known = account ?? end
        do {
            try await database.finishEnd(
                session.number,
                accounts: SessionAccounts(
                    wall: known?.wallSeconds ?? Double(session.age), cpu: known?.cpuSeconds ?? 0,
                    status: known?.status ?? 0), failedStart: failedStart != nil, exitStatus: known?.status,
                logTail: known?.logTail, steps: failedStart)
            log.event(
                "session ended",
                [.session: "\(session.number)", .user: "\(session.owner)", .host: session.hostText, .reason: reason])
        } catch {
            log.event("session rows not finished", level: .error, [.session: "\(session.number)", .cause: "\(error)"])
        }
    }

    /// Ends the display of `session` on its host and gives its number back; nil when that was done before, or when the
    /// host cannot be asked now: then healing does it when the host is heard again.
    private func endDisplay(of session: SessionRecord) async -> DisplayEnd? {
        // A start that failed may have none any more: its number can be another's by now.
        guard let place = session.place, let key = session.display?.key else { return nil }
        do {
            let channel = try await fleet.channel(place.host)
            let patience = Double(settings.hosts.stopPatience.components.seconds)
            let reply = try await channel.ask(
                .endDisplay(display: place.number, key: key, patienceSeconds: patience),
                within: .seconds(2 * patience + 20))
            try await database.releaseDisplay(place.number, key: key, on: place.host)
            if case .displayEnded(let end) = reply { return end }
        } catch {
            log.event(
                "display not ended yet", level: .warning,
                [.session: "\(session.number)", .host: session.hostText, .cause: "\(error)"])
        }
        return nil
    }
}

/// What `task` returns, or nil when `limit` passes first; the task goes on.
private func firstOf<Value: Sendable>(_ task: Task<Value, Never>, within limit: Duration) async -> Value? {
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
