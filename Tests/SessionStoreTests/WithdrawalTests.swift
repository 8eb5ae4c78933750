import SessionModel
import SessionStore
import Testing

@Suite("rights that are withdrawn")
struct WithdrawalTests {
    @Test(
        "a relay is told of its open views whose permission is gone or became less, and of no other's",
        arguments: engines)
    func withdrawn(engine: String) async throws {
        let database = try await TestDatabase.withHost()
        try database.use(engine: engine)
        let session = try await database.running()
        try database.share(session, with: "bob", token: "0123456789abcdef0123456789abcdef", readOnly: false)
        let alice = try await database.open(session)
        let acting = try await database.open(session, of: .bob, kind: .password)
        let watching = try await database.open(session, of: .bob, mode: .watch)
        let page = try await database.open(session, of: .bob, kind: .portal)
        let elsewhere = try await database.open(session, of: .bob, relay: "relay-2")
        _ = try await database.reserve(session, of: .bob)
        #expect(try await database.store.withdrawnViews(ofRelay: "relay-1").isEmpty)
        try database.sql("UPDATE viewperm SET readonly = 'Yes' WHERE viewuser = 'bob'")
        #expect(try await database.store.withdrawnViews(ofRelay: "relay-1") == [acting, page])
        #expect(try await database.store.withdrawnViews(ofRelay: "relay-2") == [elsewhere])
        try database.sql("DELETE FROM viewperm WHERE viewuser = 'bob'")
        #expect(try await database.store.withdrawnViews(ofRelay: "relay-1") == [acting, watching, page])
        try await database.store.closeView(.end(acting, seconds: 1))
        #expect(try await database.store.withdrawnViews(ofRelay: "relay-1") == [watching, page])
        _ = try await database.store.beginEnd(session, reason: "stopped")
        #expect(try await database.store.withdrawnViews(ofRelay: "relay-1") == [alice, watching, page])
    }

    @Test("a page that may act again comes again; a native viewer that may act now goes on watching")
    func widened() async throws {
        let database = try await TestDatabase.withHost()
        let session = try await database.running()
        try database.share(session, with: "bob", token: "0123456789abcdef0123456789abcdef", readOnly: true)
        let page = try await database.open(session, of: .bob, mode: .watch, kind: .portal)
        _ = try await database.open(session, of: .bob, mode: .watch, kind: .password)
        #expect(try await database.store.withdrawnViews(ofRelay: "relay-1").isEmpty)
        try database.sql("UPDATE viewperm SET readonly = 'No' WHERE viewuser = 'bob'")
        #expect(try await database.store.withdrawnViews(ofRelay: "relay-1") == [page])
    }

    @Test("asking costs one statement, however many views there are")
    func cheap() async throws {
        let database = try await TestDatabase.withHost(connections: 1)
        let session = try await database.running()
        try database.sql(
            """
            INSERT INTO mw_view (sessnum, username, mode, kind, relay, remoteip, reserved, opened, heartbeat, clock, began)
            SELECT \(session), 'alice', 'act', 'view', 'relay-1', '10.2.3.4', UTC_TIMESTAMP(3), UTC_TIMESTAMP(3),
              UTC_TIMESTAMP(3), 'boot-1', 100 FROM seq_1_to_5000
            """)
        let before = try #require(database.store.counters()["statements"])
        #expect(try await database.store.withdrawnViews(ofRelay: "relay-1").isEmpty)
        #expect(try #require(database.store.counters()["statements"]) - before == 1)
    }

    @Test("asking reads a few rows for each view, however many sessions run", arguments: engines)
    func rowsRead(engine: String) async throws {
        let database = try await TestDatabase.withHost(connections: 1)
        try database.use(engine: engine)
        try database.sql(
            """
            INSERT INTO mw_session (sessnum, state, owner, application, hostname, dispnum, geometry, timeout, started)
            SELECT seq, IF(seq > 1000, 'ended', 'running'), 'alice', 'xterm', 'node1', seq, '1024x768', 60, UTC_TIMESTAMP()
            FROM seq_1_to_2000;
            INSERT INTO viewperm (sessnum, viewuser, readonly) SELECT seq, 'alice', 'No' FROM seq_1_to_1000;
            INSERT INTO mw_view (viewid, sessnum, username, mode, kind, relay, reserved, opened, heartbeat, clock, began)
            SELECT seq, seq, 'alice', 'act', 'view', 'relay-1', UTC_TIMESTAMP(3), UTC_TIMESTAMP(3), UTC_TIMESTAMP(3),
              'boot-1', 100 FROM seq_1_to_1000;
            ANALYZE TABLE mw_session, mw_view, viewperm;
            """)
        let asking = try await database.rowsRead {
            let withdrawn = try await database.store.withdrawnViews(ofRelay: "relay-1")
            #expect(withdrawn.isEmpty)
        }
        #expect(asking.values.reduce(0, +) <= 4000, "\(asking)")
        let beating = try await database.rowsRead {
            let withdrawn = try await database.beat(Array(1...1000), seconds: 5)
            #expect(withdrawn.isEmpty)
        }
        #expect(beating.values.reduce(0, +) <= 12_000, "\(beating)")
    }
}
