import SessionModel
import Testing

@testable import SessionStore

@Suite("displays that stand ready")
struct PoolTests {
    @Test("a hundred starts at once by two controllers on a hundred displays: each gets its own", arguments: engines)
    func everyoneServed(engine: String) async throws {
        let database = try await TestDatabase.withHost()
        try database.use(engine: engine)
        let candidates = try database.fillPool(100)
        let outcomes = try await starts(100, on: candidates, in: database)
        #expect(Set(outcomes.compactMap { $0?.number }).count == 100)
        #expect(Set(outcomes.compactMap { $0?.display.id }).count == 100)
        #expect(try database.cell("SELECT uses FROM host") == "100")
        let agreeing = """
            SELECT COUNT(*) FROM mw_display d
            JOIN mw_session m ON m.sessnum = d.sessnum AND m.dispnum = d.dispnum AND m.state = 'starting'
            JOIN session s ON s.sessnum = d.sessnum AND s.dispnum = d.dispnum AND s.exechost = d.hostname
            WHERE d.state = 'used' AND d.counted = 1
            """
        #expect(try database.cell(agreeing) == "100")
    }

    @Test("of more starts than displays exactly the rest gets none, and leaves no row", arguments: engines)
    func moreStartsThanDisplays(engine: String) async throws {
        let database = try await TestDatabase.withHost()
        try database.use(engine: engine)
        let outcomes = try await starts(60, on: try database.fillPool(25), in: database)
        #expect(Set(outcomes.compactMap { $0?.display.id }).count == 25)
        #expect(outcomes.count { $0 == nil } == 35)
        for table in ["session", "mw_session"] {
            #expect(try database.cell("SELECT COUNT(*) FROM \(table)") == "25", "\(table)")
        }
        #expect(try database.cell("SELECT uses FROM host") == "25")
    }

    @Test("a host's limit holds for ready displays too, and the next host is taken", arguments: engines)
    func maximumUses(engine: String) async throws {
        let database = try await TestDatabase.withHost(maximumUses: 7)
        try database.use(engine: engine)
        try await database.store.addHost(.node(.node2, maximumUses: 6))
        let candidates = try database.fillPool(20) + database.fillPool(of: .node2, 20)
        let outcomes = try await starts(40, on: candidates, in: database)
        let hosts = outcomes.compactMap { $0?.display.id.host }
        #expect(hosts.count { $0 == .node1 } == 7)
        #expect(hosts.count { $0 == .node2 } == 6)
        #expect(try database.sql("SELECT uses FROM host ORDER BY hostname") == [["7"], ["6"]])
        #expect(try database.cell("SELECT COUNT(*) FROM session") == "13")
    }

    @Test("a user's limit of five holds under forty starts at once by two controllers", arguments: engines)
    func userLimit(engine: String) async throws {
        let database = try await TestDatabase.withHost()
        try database.use(engine: engine)
        let candidates = try database.fillPool(40)
        let outcomes = try await concurrently(40, in: database) { store in
            try await store.beginSession(
                .xterm(of: .alice), claiming: .ready(candidates), limits: SessionLimits(perUser: 5))
        }
        #expect(outcomes.count { $0 == .userLimit(5) } == 35)
        #expect(try database.cell("SELECT COUNT(*) FROM session") == "5")
        #expect(try database.cell("SELECT COUNT(*) FROM mw_display WHERE state = 'used'") == "5")
        #expect(try await database.begun(.bob, .ready(candidates), limits: SessionLimits(perUser: 5)) != nil)
    }

    @Test("an application's limit holds whoever asks, and an ended session makes room")
    func applicationLimit() async throws {
        let database = try await TestDatabase.withHost()
        let candidates = try database.fillPool(9)
        let limits = SessionLimits(perUser: 2, perApplication: 3)
        let first = try #require(try await database.begun(.alice, .ready(candidates), limits: limits))
        for owner in [UserName.bob, .bob] {
            #expect(try await database.begun(owner, .ready(candidates), limits: limits) != nil)
        }
        let refused = try await database.store.beginSession(
            .xterm(of: .alice), claiming: .ready(candidates), limits: limits)
        #expect(refused == .applicationLimit(3))
        _ = try await database.store.beginEnd(first.number, reason: "stopped")
        #expect(try await database.begun(.alice, .ready(candidates), limits: limits) != nil)
    }

    @Test("starts and retirements at once: a display is either used or retired", arguments: engines)
    func retirement(engine: String) async throws {
        let database = try await TestDatabase.withHost()
        try database.use(engine: engine)
        let candidates = try database.fillPool(30)
        let other = database.anotherController()
        async let begun = starts(30, on: candidates, in: database)
        let retired = try await withThrowingTaskGroup(of: DisplayID?.self) { group in
            for id in candidates {
                group.addTask { try await other.retire(id, reason: "too old", as: .ending) ? id : nil }
            }
            return try await group.reduce(into: [DisplayID]()) { $0 += $1.map { [$0] } ?? [] }
        }
        let used = try await begun.compactMap { $0?.display.id }
        #expect(Set(used).isDisjoint(with: retired))
        #expect(used.count + retired.count == 30)
        #expect(try database.cell("SELECT COUNT(*) FROM mw_display WHERE state = 'ending'") == "\(retired.count)")
        for id in used { #expect(try await other.retire(id, reason: "", as: .broken) == false) }
    }

    @Test("a display is retired by one, keeps its reason, and is ready for nobody")
    func retiredOnce() async throws {
        let database = try await TestDatabase.withHost()
        let id = try await database.makeReady()
        #expect(try await database.store.retire(id, reason: "its template changed", as: .broken))
        #expect(try await database.store.retire(id, reason: "again", as: .ending) == false)
        #expect(try await database.store.displays(on: .node1).map(\.reason) == ["its template changed"])
        #expect(try database.sql("SELECT status FROM display") == [["broken"]])
        #expect(try await database.begun(.alice, .ready([id])) == nil)
    }

    @Test("a session moves from a display that failed to the next, and to another host", arguments: engines)
    func reclaim(engine: String) async throws {
        let database = try await TestDatabase.withHost()
        try database.use(engine: engine)
        try await database.store.addHost(.node(.node2))
        try database.sql("UPDATE host SET zone_id = 7 WHERE hostname = 'node2'")
        let store = database.store
        let candidates = try database.fillPool(1) + database.fillPool(of: .node2, 2)
        let start = try #require(try await database.begun(.alice, .ready(candidates)))
        try await store.dropDisplay(start.display.id, of: start.number, as: .broken("no pixel came"))
        let second = try #require(try await store.reclaim(start.number, claiming: .ready(candidates)))
        #expect(second.id.host == .node2)
        let rows = """
            SELECT s.exechost, s.dispnum, s.zone_id, m.hostname, m.dispnum, d.sessnum = s.sessnum
            FROM session s JOIN mw_session m USING (sessnum)
            JOIN mw_display d ON d.hostname = m.hostname AND d.dispnum = m.dispnum
            """
        #expect(try database.sql(rows) == [["node2", "1", "7", "node2", "1", "1"]])
        #expect(try database.sql("SELECT uses FROM host ORDER BY hostname") == [["0"], ["1"]])
        // A new display may get the very number that was given up.
        try await store.dropDisplay(second.id, of: start.number, as: .gone)
        let third = try #require(try await store.reclaim(start.number, claiming: .fresh(.fresh(on: .node2))))
        #expect(third.id == second.id)
        #expect(!third.wasReady)
        try await store.markRunning(start.number, steps: "[1]")
        #expect(try await store.session(start.number)?.place == third.id)
        #expect(try await store.session(start.number)?.display != nil)
        #expect(
            try database.sql("SELECT fwhost, fwport, vncpass FROM viewperm") == [["node2", "9001", "beafef4c081572d8"]])
        #expect(try await store.reclaim(start.number, claiming: .ready(candidates)) == nil)
        #expect(try database.sql("SELECT uses FROM host ORDER BY hostname") == [["0"], ["1"]])
    }

    @Test("a session that was stopped while it started is not run")
    func stoppedMeanwhile() async throws {
        let database = try await TestDatabase.withHost()
        let session = try await database.begin()
        _ = try await database.store.beginEnd(session, reason: "stopped")
        try await database.store.markRunning(session, steps: "[]")
        #expect(try await database.store.session(session)?.state == .ending)
        #expect(try database.cell("SELECT COUNT(*) FROM viewperm") == "0")
    }

    @Test("ready displays come host by host, the longest waiting first, of the asked kind alone")
    func readyDisplays() async throws {
        let database = try await TestDatabase.withHost()
        try await database.store.addHost(.node(.node2))
        _ = try database.fillPool(5)
        _ = try database.fillPool(of: .node2, 3)
        try database.sql("UPDATE mw_display SET since = UTC_TIMESTAMP(3) - INTERVAL dispnum MINUTE")
        try database.sql("UPDATE mw_display SET with_gl = 1 WHERE hostname = 'node1' AND dispnum = 4")
        let found = try await database.store.readyDisplays(withGL: false, on: [.node2, .node1], perHost: 2)
        #expect(found.map { "\($0.id.host) \($0.id.number)" } == ["node2 3", "node2 2", "node1 5", "node1 3"])
        #expect((179...200).contains(try #require(found.first?.age)))
        #expect(found.first?.template == "t1")
        #expect(found.first?.bootID == "boot-1")
        let withGL = try await database.store.readyDisplays(withGL: true, on: [.node1, .node2], perHost: 9)
        #expect(withGL.map(\.id.number.value) == [4])
        #expect(try await database.store.readyDisplays(withGL: true, on: [], perHost: 9).isEmpty)
    }

    @Test("a host's figures tell what no session has")
    func figures() async throws {
        let database = try await TestDatabase.withHost()
        let ready = try database.fillPool(4)
        _ = try #require(try await database.begun(.alice, .ready(ready)))
        _ = try await database.begin(.bob)
        _ = try await database.claim()
        _ = try await database.store.claimForPool(.fresh(withGL: true), template: "t1")
        #expect(try await database.store.retire(ready[3], reason: "", as: .broken))
        let figures = try await database.store.poolFigures()
        #expect(
            figures == [
                .node1: PoolFigures(
                    withoutGL: .init(ready: 2, starting: 1), withGL: .init(ready: 0, starting: 1), broken: 1)
            ])
    }

    @Test("recent starts are counted by kind, failed ones too; a user's sessions by host")
    func recentStarts() async throws {
        let database = try await TestDatabase.withHost()
        _ = try await database.running()
        _ = try await database.running()
        let failed = NewSession.xterm(of: .alice, withGL: true)
        _ = try await database.store.recordFailedStart(failed, reason: "no host", errorID: nil, steps: "[]")
        // Far from the edges of what is counted, however busy this machine is.
        try database.sql(
            "UPDATE mw_session SET started = UTC_TIMESTAMP(3) + INTERVAL IF(sessnum = 1, -35, 3600) SECOND")
        let starts = try await database.store.recentStarts()
        #expect(starts.withoutGL == RecentStarts(lastTen: 1, lastSixty: 2))
        #expect(starts.withGL == RecentStarts(lastTen: 1, lastSixty: 1))
        #expect(try await database.store.sessionsPerHost(of: .alice) == [.node1: 2])
        #expect(try await database.store.sessionsPerHost(of: .bob).isEmpty)
    }

    private typealias Start = (number: SessionNumber, display: SessionDisplay)

    private func starts(
        _ count: Int, on candidates: [DisplayID], in database: TestDatabase
    ) async throws -> [Start?] {
        let outcomes = try await concurrently(count, in: database) { store in
            try await store.beginSession(
                .xterm(of: .alice), claiming: .ready(candidates), limits: SessionLimits())
        }
        return outcomes.map { if case .began(let number, let display) = $0 { (number, display) } else { nil } }
    }

    /// Lets two controllers do the same so many times, all at once.
    private func concurrently(
        _ count: Int, in database: TestDatabase, _ work: @escaping @Sendable (Database) async throws -> Begun
    ) async throws -> [Begun] {
        let other = database.anotherController()
        return try await withThrowingTaskGroup(of: Begun.self) { group in
            for index in 0..<count { group.addTask { try await work(index % 2 == 0 ? database.store : other) } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
    }
}

/// What a hub's tables may be.
let engines = ["InnoDB", "MyISAM"]
