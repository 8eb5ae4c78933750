import ControlProtocol
import HostAccess
import HostProtocol
import LDAPDirectory
import SessionModel
import SessionStore

/// Load tests: their users, what they leave, and how all of it goes.
extension Gateway {
    /// The words of a load test.
    func stress(_ word: StressWord) async throws -> ControlReply {
        switch word {
        case .ledger(let session, let count):
            // A reply is one line of the control socket, which has an end.
            let views = try await database.stressViews(after: session, count: min(max(1, count), 1000))
            return .stressLedger(views.map(StressView.init))
        case .leftovers: return .stressLeftovers(try await stressLeftovers())
        case .clean: return try await cleanStress()
        }
    }

    /// The person `user` of the directory; a load test's user is none, whatever the directory says.
    func person(_ user: UserName) async throws -> Person {
        try Self.requireSomebodys(user)
        return try await directory.person(user)
    }

    /// Throws when `user` is a load test's.
    static func requireSomebodys(_ user: UserName) throws(SessionError) {
        if user.isStress { throw .stressUser(user) }
    }

    /// The account that a load test's session runs under: a lent uid, or for a synthetic one that of display 0, which there
    /// never is: nothing becomes it.
    func lodging(of user: UserName, _ mark: StressMark) async throws -> Lodging {
        guard user.isStress else { throw SessionError.noStressUser(user) }
        switch mark {
        case .synthetic:
            let uid = settings.uids.displays.first
            let nobody = Account(
                name: user, uid: uid, gid: uid, home: "/nonexistent", shell: "/usr/sbin/nologin", groups: [])
            return Lodging(account: nobody, isLent: false, homeIsOurs: false, hasHome: false)
        case .real:
            guard let root = settings.homes.root else { throw SessionError.stressHomeless }
            return try await lend(to: user, below: root)
        }
    }

    /// How long cleaning may take until it is answered.
    private static let cleaning = Duration.seconds(60)
    /// Sessions that end at the same time.
    private static let endedAtOnce = 16

    /// Ends what lives, waits until nothing is left of it, removes the rows and waits until the uids are clean.
    private func cleanStress() async throws -> ControlReply {
        let limit = ContinuousClock.now + Self.cleaning
        try await endStress(until: limit)
        let removed = try await database.removeStressRows()
        _ = try await database.retireShadows(unusedFor: 0, ofStress: true)
        try await wait(until: limit) { try await self.database.stressUIDs().isEmpty }
        log.event("load test cleaned up", [.session: "\(removed.sessions)", .status: "\(removed.rows) rows"])
        return .stressCleaned(sessions: removed.sessions, rows: removed.rows)
    }

    /// Ends what lives, and what starts that wait for their turn become: those have no row yet. An end is answered for before
    /// the last process has left.
    private func endStress(until limit: ContinuousClock.Instant) async throws {
        var begun: Set<SessionNumber> = []
        var quiet = 0
        // Who has not come to a host yet is seen at the next look.
        while quiet < 2, ContinuousClock.now < limit {
            // People's starts are not told apart, and have their display in a moment.
            let areOnTheirWay = starts.areOnTheirWay
            let live = try await database.liveStressSessions()
            quiet = live.isEmpty && !areOnTheirWay ? quiet + 1 : 0
            let found = live.filter { begun.insert($0.number).inserted }
            _ = await results(of: found, atMost: Self.endedAtOnce) { session in
                guard ContinuousClock.now < limit else { return }
                // Whoever began its end may have died since.
                if session.state == .ending { return await self.finishEnd(session) }
                await self.endSession(session.number, reason: .stressOver)
            }
            try await Task.sleep(for: .milliseconds(200))
        }
    }

    private func wait(until limit: ContinuousClock.Instant, _ isDone: () async throws -> Bool) async throws {
        while ContinuousClock.now < limit, try await !isDone() { try await Task.sleep(for: .milliseconds(200)) }
    }
}

/// What is left of load tests.
extension Gateway {
    /// None when a run has left nothing; 2,000 at most.
    private func stressLeftovers() async throws -> [StressLeftover] {
        var lines: [StressLeftover] = []
        let states = try await database.stressStates()
        for state in [SessionState.starting, .running, .ending] {
            guard let count = states[state] else { continue }
            let sessions = count == 1 ? "1 session of load tests is" : "\(count) sessions of load tests are"
            lines.append(StressLeftover("\(sessions) \(state)", isOfARun: true))
        }
        for (table, rows) in try await database.stressRows() {
            lines.append(StressLeftover("table \(table) has \(rows) of their rows", isOfARun: true))
        }
        for uid in try await database.stressUIDs() {
            lines.append(StressLeftover("uid \(uid.uid) is \(uid.owner.map { "lent to \($0)" } ?? "not clean yet")"))
        }
        let strays = try await strayDisplays()
        if strays.isEmpty { return lines }
        // What comes or goes in this moment is no stray: it is so twice.
        try await Task.sleep(for: .seconds(1))
        lines += strays.intersection(try await strayDisplays()).sorted().map { StressLeftover($0) }
        return Array(lines.prefix(2000))
    }

    /// The displays on the hosts that are a load test's, or nobody's.
    private func strayDisplays() async throws -> Set<String> {
        var strays: Set<String> = []
        for host in try await database.hosts() where host.access != nil {
            let inventory: [DisplayReport]
            do {
                let reply = try await fleet.channel(host.name).ask(.inventory, within: .seconds(20))
                guard case .inventory(let told) = reply else {
                    throw HostAccessError.confused(host.name, cause: "not an inventory")
                }
                inventory = told
            } catch {
                strays.insert("host \(host.name) does not answer: what it has is not known")
                continue
            }
            let claims = Dictionary(
                try await database.displays(on: host.name).map { ($0.number, $0.key) }
            ) { first, _ in first }
            let stress = try await database.areStress(inventory.compactMap(\.session))
            for report in inventory {
                let place = "display \(report.display) of \(host.name)"
                if let session = report.session {
                    switch stress[session] {
                    case true: strays.insert("\(place) has session \(session) of a load test")
                    case false: break
                    case nil: strays.insert("\(place) has session \(session), which nobody knows")
                    }
                } else if claims[report.display] == nil || report.key != nil && report.key != claims[report.display] {
                    strays.insert("\(place) is nobody's")
                }
            }
        }
        return strays
    }
}

extension StressView {
    init(_ record: StressViewRecord) {
        self.init(
            session: record.session, user: record.user, seconds: record.seconds, viewtime: record.viewtime)
    }
}
