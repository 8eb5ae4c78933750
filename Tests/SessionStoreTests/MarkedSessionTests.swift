import SessionModel
import TestServers
import Testing

@testable import SessionStore

@Suite("sessions of load tests")
struct MarkedSessionTests {
    private static let tester = UserName(known: "stress-0001")

    private func begin(
        _ owner: UserName = tester, _ mark: StressMark = .real, in database: TestDatabase
    ) async throws -> SessionNumber {
        var session = NewSession.xterm(of: owner)
        session.stress = mark
        let begun = try await database.store.beginSession(
            session, claiming: .fresh(.fresh()), limits: SessionLimits())
        guard case .began(let number, _) = begun else { throw StoreError.internal(cause: "\(begun)") }
        return number
    }

    private func running(
        _ owner: UserName = tester, _ mark: StressMark = .real, in database: TestDatabase
    ) async throws -> SessionNumber {
        let number = try await begin(owner, mark, in: database)
        try await database.store.markRunning(number, steps: "[]")
        return number
    }

    /// Watches a session for so many seconds.
    private func watch(
        _ session: SessionNumber, by user: UserName = tester, seconds: Double, in database: TestDatabase
    ) async throws {
        let view = try await database.open(session, of: user)
        try await database.store.closeView(.end(view, seconds: seconds))
    }

    /// Ends a session, its display among it.
    private func end(_ session: SessionNumber, in database: TestDatabase) async throws {
        let record = try #require(try await database.store.beginEnd(session, reason: "stopped"))
        try await database.store.finishEnd(session, accounts: .some, failedStart: false)
        let place = try #require(record.place)
        let key = try #require(record.display?.key)
        try await database.store.releaseDisplay(place.number, key: key, on: place.host)
        try await database.store.closeEnd(session, final: nil)
    }

    /// Every row of every table but the displays' and the steps of the schema.
    private func everything(in database: TestDatabase) throws -> [String: [[String]]] {
        var rows: [String: [[String]]] = [:]
        let tables = try database.sql(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE() ORDER BY table_name")
        for table in tables.map({ $0[0] }) where table != "display" {
            rows[table] = try database.sql("SELECT * FROM `\(table)` ORDER BY 1, 2")
        }
        return rows
    }

    @Test("while they run they have every row that people's have; afterwards nothing tells of them", arguments: engines)
    func removed(engine: String) async throws {
        let database = try await TestDatabase.withHost()
        try database.use(engine: engine)
        let store = database.store
        // Somebody's past, and somebody's present.
        try await end(try await database.running(.bob), in: database)
        let alice = try await database.running()
        try await watch(alice, by: .alice, seconds: 4, in: database)
        let before = try everything(in: database)

        var sessions: [SessionNumber] = []
        for number in 1...3 {
            sessions.append(
                try await running(try .stress(number), number == 3 ? .synthetic : .real, in: database))
        }
        try await store.mintToken(
            .token(), session: sessions[0], user: Self.tester, mode: .act, kind: .view, seconds: nil, once: false)
        try await watch(sessions[0], seconds: 2.5, in: database)
        try database.sql(
            """
            INSERT INTO job (sessnum, username, event, active) VALUES (\(sessions[1]), 'stress-0002', 'simulation', 1);
            INSERT INTO sessionpriv (sessnum, privilege) VALUES (\(sessions[1]), 'fileperm');
            INSERT INTO fileperm (sessnum, fileuser) VALUES (\(sessions[1]), 'stress-0002');
            """)
        #expect(try await store.stressStates() == [.running: 3])
        #expect(try await store.liveStressSessions().map(\.number) == sessions)
        #expect(try database.cell("SELECT uses FROM host") == "4")
        // Nothing goes that lives.
        #expect(try await store.removeStressRows() == StressRemoval())
        for session in sessions { try await end(session, in: database) }
        #expect(try await store.stressStates() == [.ended: 3])
        #expect(try database.cell("SELECT COUNT(*) FROM sessionlog WHERE username LIKE 'stress-%'") == "3")
        _ = try await store.recordFailedStart(
            {
                var session = NewSession.xterm(of: Self.tester)
                session.stress = .synthetic
                return session
            }(), reason: "no host", errorID: nil, steps: "[]")
        // Not yet long ago.
        #expect(try await store.removeStressRows(endedDaysAgo: 30) == StressRemoval())
        #expect(try await store.removeOldSessions(days: -1) == 1, "of people's, bob's goes")

        let rows = Dictionary(uniqueKeysWithValues: try await store.stressRows().map { ($0.table, $0.rows) })
        #expect(rows["sessionlog"] == 3)
        #expect(rows["joblog"] == 4)
        #expect(rows["viewlog"] == 1)
        #expect(rows["mw_session"] == 4)
        let removed = try await store.removeStressRows()
        #expect(removed.sessions == 4)
        #expect(removed.rows == rows.values.reduce(0, +))
        #expect(try await store.stressRows().isEmpty)
        var after = try everything(in: database)
        // That one was removed above, as its time was over.
        after["mw_session"] = (after["mw_session"] ?? []) + (before["mw_session"] ?? []).filter { $0.contains("bob") }
        for (table, rows) in before { #expect(Set(after[table] ?? []) == Set(rows), "\(table)") }
        #expect(try await store.removeStressRows() == StressRemoval())
    }

    @Test("nobody's limits count them")
    func limits() async throws {
        let database = try await TestDatabase.withHost()
        for number in 1...5 { _ = try await begin(try .stress(number), in: database) }
        let limits = SessionLimits(perUser: 1, perApplication: 2)
        #expect(try await database.begun(.alice, .fresh(.fresh()), limits: limits) != nil)
        #expect(try await database.begun(.bob, .fresh(.fresh()), limits: limits) != nil)
        let refused = try await database.store.beginSession(
            .xterm(of: UserName(known: "carol")), claiming: .fresh(.fresh()), limits: limits)
        #expect(refused == .applicationLimit(2))
    }

    @Test("a host's limit does")
    func hostLimit() async throws {
        let database = try await TestDatabase.withHost(maximumUses: 2)
        for number in 1...2 { _ = try await begin(try .stress(number), .synthetic, in: database) }
        #expect(try await database.begun(.alice, .fresh(.fresh())) == nil)
    }

    @Test("synthetic starts teach the pools nothing, real ones do")
    func demand() async throws {
        let database = try await TestDatabase.withHost()
        for number in 1...3 { _ = try await begin(try .stress(number), .synthetic, in: database) }
        _ = try await begin(in: database)
        _ = try await database.begin()
        #expect(try await database.store.recentStarts().withoutGL.lastSixty == 2)
    }

    @Test("the ledger comes in pages, and no session is torn")
    func ledger() async throws {
        let database = try await TestDatabase.withHost()
        let store = database.store
        var sessions: [SessionNumber] = []
        for number in 1...4 { sessions.append(try await running(try .stress(number), in: database)) }
        // A person's are not in it; somebody else's of a tester's session are.
        try await watch(try await database.running(), by: .alice, seconds: 3, in: database)
        try await watch(sessions[0], seconds: 1.5, in: database)
        try await watch(sessions[0], seconds: 2.5, in: database)
        for seconds in 1...3 { try await watch(sessions[2], by: .bob, seconds: Double(seconds), in: database) }
        try await watch(sessions[3], seconds: 234.5678, in: database)
        #expect(try await store.stressViews(after: nil, count: 100).allSatisfy { $0.viewtime == nil })
        for session in sessions { try await end(session, in: database) }

        let all = try await store.stressViews(after: nil, count: 100)
        #expect(all.map(\.session) == [0, 0, 2, 2, 2, 3].map { sessions[$0] })
        #expect(all.map(\.seconds.rounded) == [1.5, 2.5, 1, 2, 3, 234.568])
        let first = try #require(all.first)
        #expect(first.user == "stress-0001")
        #expect(first.viewtime == 2.5)
        for count in 1...7 {
            var pages: [[StressViewRecord]] = []
            while true {
                let page = try await store.stressViews(after: pages.last?.last?.session, count: count)
                if page.isEmpty { break }
                pages.append(page)
            }
            let paged = pages.flatMap { $0 }
            #expect(paged == all, "\(count)")
            #expect(pages.allSatisfy { $0.count <= max(3, count) })
            for (page, next) in zip(pages, pages.dropFirst()) { #expect(page.last?.session != next.first?.session) }
        }
    }

    @Test("whose session a number is, is known while it is known at all")
    func known() async throws {
        let database = try await TestDatabase.withHost()
        let tester = try await begin(in: database)
        let alice = try await database.begin()
        let unknown = SessionNumber(4_000_000)
        #expect(try await database.store.areStress([tester, alice, unknown]) == [tester: true, alice: false])
        #expect(try await database.store.areStress([]).isEmpty)
    }

    @Test("a portal's row that nothing else knows of is told")
    func alone() async throws {
        let database = try await TestDatabase.withHost()
        // People may have names that only look like theirs.
        for name in ["stress-0001", "stress-abcd", "stress-00011", "stress_0001", "Stress-0001", "xstress-0001"] {
            try database.sql("INSERT INTO session (username, exechost, appname) VALUES ('\(name)', 'node1', 'xterm')")
        }
        #expect(try await database.store.stressRows().map(\.rows) == [1])
    }

    @Test("their uids are told until they are clean, and taken back without those of guests")
    func uids() async throws {
        let database = try await TestDatabase.withHost()
        let store = database.store
        let uids: ClosedRange<UInt32> = 2_100_000...2_100_005
        for user in [UserName.alice, Self.tester, try .stress(2)] {
            _ = try await store.claimShadow(user, of: uids, homesIn: "/home/.shadow")
        }
        let session = try await begin(in: database)
        #expect(
            try await store.stressUIDs() == [
                StressUID(uid: 2_100_001, owner: "stress-0001"), StressUID(uid: 2_100_002, owner: "stress-0002"),
            ])
        #expect(try await store.retireShadows(unusedFor: 0, ofStress: true) == 1)
        #expect(try await store.stressUIDs().map(\.owner) == ["stress-0001", nil])
        #expect(try await store.freeShadow(2_100_002))
        #expect(try await store.stressUIDs().map(\.uid) == [2_100_001])
        #expect(try await store.shadow(of: .alice) != nil)
        try await end(session, in: database)
        #expect(try await store.retireShadows(unusedFor: 0, ofStress: true) == 1)
        #expect(try await store.freeShadow(2_100_001))
        #expect(try await store.stressUIDs().isEmpty)
        // Whoever has it next is no tester.
        for name in ["a", "b", "c", "d", "e"] {
            _ = try await store.claimShadow(UserName(known: name), of: uids, homesIn: "/home/.shadow")
        }
        #expect(try database.cell("SELECT COUNT(*) FROM mw_shadow WHERE state = 'used'") == "6")
        #expect(try await store.stressUIDs().isEmpty)
    }
}

extension Double {
    /// As far as `viewlog` keeps it.
    fileprivate var rounded: Double { (self * 1000).rounded() / 1000 }
}
