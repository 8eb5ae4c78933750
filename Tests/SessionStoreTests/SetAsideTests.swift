import SessionModel
import SessionStore
import Testing

@Suite("hosts that are set aside")
struct SetAsideTests {
    @Test("a host that failed is set aside, probed when it is due, and taken back", arguments: engines)
    func wholeWay(engine: String) async throws {
        let database = try await TestDatabase.withHost()
        try database.use(engine: engine)
        let store = database.store
        for expected in 1...3 { #expect(try await store.noteHostFailure(.node1) == expected) }
        #expect(try await store.noteHostFailure(.node2) == 0)
        #expect(try await store.setAside(.node1, reason: "no display came up", seconds: 3600))
        let host = try #require(try await store.hosts().first)
        #expect(host.status == "check")
        #expect(host.access?.setAside == "no display came up")
        #expect(host.access?.failures == 3)
        #expect(host.access?.probes == 1)
        #expect(try await store.dueProbes().isEmpty)
        try makeDue(database)
        #expect(try await store.dueProbes() == [.node1])
        #expect(try await store.dueProbes().isEmpty)
        // The probe failed: later once more.
        #expect(try await store.setAside(.node1, reason: "still none", seconds: 3600))
        #expect(try await store.hosts().first?.access?.probes == 2)
        try makeDue(database)
        #expect(try await store.dueProbes() == [.node1])
        #expect(try await store.takeBack(.node1))
        #expect(try await store.takeBack(.node1) == false)
        let back = try #require(try await store.hosts().first)
        #expect(back.status == "up")
        #expect(back.access?.setAside == nil)
        #expect(back.access?.failures == 0)
        #expect(back.access?.probes == 0)
    }

    @Test("a success forgets the failures before it")
    func success() async throws {
        let database = try await TestDatabase.withHost()
        #expect(try await database.store.noteHostFailure(.node1) == 1)
        try await database.store.noteHostSuccess(.node1)
        #expect(try await database.store.noteHostFailure(.node1) == 1)
    }

    @Test("of many who probe, each due host is given to one")
    func probing() async throws {
        let database = try await TestDatabase.withHost(connections: 8)
        #expect(try await database.store.setAside(.node1, reason: "x", seconds: 3600))
        try makeDue(database)
        let given = try await withThrowingTaskGroup(of: [HostName].self) { group in
            for _ in 0..<10 { group.addTask { try await database.store.dueProbes() } }
            return try await group.reduce(into: []) { $0 += $1 }
        }
        #expect(given == [.node1])
    }

    @Test(
        "a host that somebody else took out is neither set aside nor taken back", arguments: ["down", "check", "drain"])
    func notOurs(status: String) async throws {
        let database = try await TestDatabase.withHost()
        try database.sql("UPDATE host SET status = '\(status)'")
        #expect(try await database.store.setAside(.node1, reason: "x", seconds: 0) == false)
        #expect(try await database.store.takeBack(.node1) == false)
        #expect(try await database.store.hosts().first?.status == status)
        #expect(try await database.store.hosts().first?.access?.setAside == nil)
    }

    @Test("what an administrator says meanwhile holds", arguments: engines)
    func administrator(engine: String) async throws {
        let database = try await TestDatabase.withHost()
        try database.use(engine: engine)
        #expect(try await database.store.setAside(.node1, reason: "x", seconds: 0))
        try await database.store.setHostStatus(.node1, to: .drain)
        #expect(try await database.store.takeBack(.node1) == false)
        #expect(try await database.store.dueProbes().isEmpty)
        #expect(try await database.store.hosts().first?.status == "drain")
    }

    @Test("a portal that writes its whole row back changes what it shows, and loses nothing", arguments: engines)
    func portalRows(engine: String) async throws {
        let database = try await TestDatabase.withHost()
        try database.use(engine: engine)
        let whole = "UPDATE host SET provisions = 3, uses = 0, portbase = 0, zone_id = 1, max_uses = 0, status = "
        // The row it read before the host was set aside.
        #expect(try await database.store.setAside(.node1, reason: "x", seconds: 0))
        try database.sql(whole + "'up'")
        #expect(try await database.store.dueProbes() == [.node1])
        #expect(try await database.store.setAside(.node1, reason: "x", seconds: 0))
        #expect(try await database.store.hosts().first?.status == "check")
        // Taken out by the portal: it stays out.
        try database.sql(whole + "'down'")
        #expect(try await database.store.dueProbes().isEmpty)
        #expect(try await database.store.takeBack(.node1))
        #expect(try await database.store.hosts().first?.status == "down")
    }

    @Test("a portal that writes its whole session row back while it starts disturbs neither start nor end")
    func portalSessionRow() async throws {
        let database = try await TestDatabase.withHost()
        let id = try await database.makeReady()
        let session = try #require(try await database.begun(.alice, .ready([id]))).number
        try database.sql(
            """
            UPDATE session SET sessname = 'Mine', accesstime = '2020-01-01', timeout = 60, exechost = 'node9', dispnum = 9
            WHERE sessnum = \(session)
            """)
        try await database.store.markRunning(session, steps: "[]")
        #expect(try await database.store.session(session)?.place == id)
        #expect(try database.sql("SELECT fwhost FROM viewperm") == [["node1"]])
        _ = try await database.store.beginEnd(session, reason: "stopped")
        try await database.store.finishEnd(session, accounts: .some, failedStart: false)
        #expect(try database.cell("SELECT COUNT(*) FROM session") == "0")
    }

    private func makeDue(_ database: TestDatabase) throws {
        try database.sql("UPDATE mw_host SET probe_at = UTC_TIMESTAMP(3) - INTERVAL 1 SECOND")
    }
}
