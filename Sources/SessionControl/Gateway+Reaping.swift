import ControlProtocol
import HostAccess
import HostProtocol
import SessionModel
import SessionStore

extension Gateway {
    /// A running session with what will become of it.
    struct Outlook {
        let fact: ReapingFact
        let fate: Reaping.Fate
    }

    /// Ends sessions whose time is over, until the task is cancelled. Of several controllers one does.
    func keepReaping() async {
        var memory = ReapingMemory()
        while !Task.isCancelled {
            do {
                try await Task.sleep(for: .seconds(5))
                try await reapRound(&memory)
            } catch is CancellationError {
                return
            } catch {
                log.event("nothing reaped", level: .warning, [.cause: "\(error)"])
            }
        }
    }

    private func reapRound(_ memory: inout ReapingMemory) async throws {
        // What waits on disk tells of viewers: nothing is judged before it is written.
        if await journal.isOpen { return }
        try await database.noteHeard(Array(await fleet.states().keys))
        let now = ContinuousClock.now
        let relays = try await database.relays()
        let (sight, dead) = ears.withLock { ears in
            ears.look(relays, now: now)
            return (ears.sight(now: now), ears.dead(now: now))
        }
        var wasNeglected = false
        switch try await duties.turn(Duties.reaping) {
        case .notOurs:
            memory.last = nil
            return
        case .begins(let neglected): wasNeglected = neglected
        case .goesOn: break
        }
        for instance in dead { try await endViews(of: instance) }
        let elapsed = memory.last.map { (now - $0) / .seconds(1) } ?? 0
        memory.last = now
        let round = Reaping.Round(
            elapsed: min(elapsed, Reaping.blink), followsOutage: wasNeglected || elapsed > Reaping.blink,
            relays: sight)
        var facts = try await reapingFacts()
        let counts = facts.map { Reaping.count($0.sight, in: round) }
        func numbers(_ wanted: Reaping.Count) -> [SessionNumber] {
            zip(facts, counts).filter { $0.1 == wanted }.map(\.0.number)
        }
        try await database.advanceClocks(
            by: round.elapsed, restarting: numbers(.restarts), still: numbers(.standsStill))
        try await database.noteAccesses(watched: facts.filter { $0.sight.viewers > 0 }.map(\.number))
        for index in facts.indices {
            facts[index].clocks = Reaping.advanced(facts[index].clocks, facts[index].sight, in: round)
        }
        let outlooks = facts.map { Outlook(fact: $0, fate: fate(of: $0, sight)) }
        await giveNotice(outlooks)
        try await reap(outlooks.filter(\.fate.isDue))
        let rowless = Set(facts.filter { !$0.hasRow }.map(\.number))
        for number in rowless.intersection(memory.rowless) { await endSession(number, reason: .rowRemoved) }
        memory.rowless = rowless
        for number in try await database.lostEnds(after: settings.hosts.lostAfter / .seconds(1)) {
            try await database.closeEnd(number, final: nil)
        }
    }

    /// `maxwell reap`: what goes, or would go, and what keeps the rest.
    func reap(dryRun: Bool) async throws -> ControlReply {
        let outlooks = try await outlooks()
        if !dryRun { try await reap(outlooks.filter(\.fate.isDue)) }
        return .reaps(
            outlooks.map {
                ReapLine(
                    session: $0.fact.number, user: $0.fact.owner.text, application: $0.fact.application.text,
                    isDue: $0.fate.isDue, endsIn: $0.fate.endsIn.map { Int($0) }, fate: $0.fate.words)
            })
    }

    /// The sessions that run, with what will become of them.
    func outlooks() async throws -> [Outlook] {
        let sight = ears.withLock { $0.sight(now: .now) }
        return try await reapingFacts().map { Outlook(fact: $0, fate: fate(of: $0, sight)) }
    }

    /// Sessions ended in one round at most: an error that makes many due is seen before it has ended them all.
    private static let most = 20

    private func reap(_ due: [Outlook]) async throws {
        try await withThrowingDiscardingTaskGroup { group in
            for outlook in due.prefix(Self.most) {
                group.addTask {
                    guard let reason = outlook.fate.reason else { return }
                    let isUnobserved = if case .unobserved = reason { true } else { false }
                    let record = try await self.database.beginReap(
                        outlook.fact.number, reason: reason.text, despiteViewers: !isUnobserved)
                    if let record { await self.finishEnd(record) }
                }
            }
        }
    }

    /// Tells whoever watches of an end that comes, once.
    private func giveNotice(_ outlooks: [Outlook]) async {
        let notice = settings.sessions.notice / .seconds(1)
        await withDiscardingTaskGroup { group in
            for outlook in outlooks {
                let fact = outlook.fact
                guard !fact.isNoticed, fact.sight.viewers > 0, !outlook.fate.isDue,
                    outlook.fate.endsIn.map({ $0 <= notice }) ?? false, let place = fact.place,
                    let text = Reaping.notice(of: outlook.fate)
                else { continue }
                group.addTask {
                    await self.show(text, on: place, of: fact.number, for: Int(outlook.fate.endsIn ?? 0) + 1)
                }
            }
        }
    }

    private func show(_ text: String, on place: DisplayID, of number: SessionNumber, for seconds: Int) async {
        do {
            guard let key = try await database.session(number)?.display?.key else { return }
            _ = try await fleet.channel(place.host).ask(
                .message(display: place.number, key: key, text: text, seconds: seconds), within: .seconds(10))
            try await database.noteNotice(number)
            log.event("viewers told of the end", [.session: "\(number)"])
        } catch {
            log.event("viewers not told of the end", level: .warning, [.session: "\(number)", .cause: "\(error)"])
        }
    }

    /// Ends the views of a relay's life that is over, each at its last proof.
    private func endViews(of instance: String) async throws {
        for view in try await database.closeViews(ofRelay: instance) {
            log.event("view closed", level: .warning, [.view: "\(view)", .cause: "its relay is not heard any more"])
        }
        try await database.forgetRelay(instance)
    }

    /// The sessions that run, each with the maximum age of its application.
    private func reapingFacts() async throws -> [ReapingFact] {
        var facts = try await database.reapingFacts()
        var ages: [ApplicationName: Double?] = [:]
        for index in facts.indices {
            let name = facts[index].application
            if ages[name] == nil { ages[name] = await maximumAge(of: name) }
            facts[index].sight.maximumAge = ages[name] ?? nil
        }
        return facts
    }

    /// Seconds that sessions of an application may run; nil: no limit.
    private func maximumAge(of name: ApplicationName) async -> Double? {
        let usual = settings.sessions.maximumAge.map { $0 / .seconds(1) }
        // One that is not described any more has the gateway's.
        guard let own = try? await catalogue.application(name).maximumAge else { return usual }
        return own > 0 ? Double(own) : nil
    }

    private func fate(of fact: ReapingFact, _ relays: RelaySight) -> Reaping.Fate {
        Reaping.fate(fact.clocks, fact.sight, relays: relays, lostAfter: settings.hosts.lostAfter / .seconds(1))
    }
}
