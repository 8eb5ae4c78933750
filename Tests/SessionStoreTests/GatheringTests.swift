import SessionModel
import Synchronization
import Testing

@testable import SessionStore

@Suite("what many tell at one moment is written together")
struct GatheringTests {
    /// Has `work` done for all of `views` at one moment: the store's one connection is busy until all of them wait.
    private func atOnce(
        _ database: TestDatabase, _ views: [UInt64], _ work: @escaping @Sendable (UInt64) async throws -> Void
    ) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await database.store.run { connection throws(StoreError) in
                    _ = try connection.query("SELECT SLEEP(1)")
                }
            }
            try await Task.sleep(for: .milliseconds(200))
            for view in views { group.addTask { try await work(view) } }
            try await group.waitForAll()
        }
    }

    @Test(
        "sixty views that open, and then end, cost a few statements each, and each is told of by itself",
        arguments: engines)
    func together(engine: String) async throws {
        let database = try await TestDatabase.withHost(connections: 1)
        try database.use(engine: engine)
        var views: [UInt64] = []
        for _ in 0..<20 {
            let session = try await database.running()
            // Three of one person from one place: their lengths are told apart in the log.
            for _ in 0..<3 { views.append(try await database.reserve(session)) }
        }
        let store = database.store
        let before = try #require(store.counters()["statements"])
        let unknown: UInt64 = 1_000_000
        try await atOnce(database, views + [unknown]) { view in
            let isOpen = try await store.openView(view, began: 100, clock: "boot-1", age: 5)
            #expect(isOpen == (view != unknown))
        }
        #expect(try database.cell("SELECT COUNT(*) FROM view") == "60")
        #expect(
            try database.cell(
                """
                SELECT COUNT(*) FROM view p JOIN mw_view v ON v.portal_view = p.viewid AND v.sessnum = p.sessnum
                WHERE p.start = DATE_FORMAT(CONVERT_TZ(v.opened, '+00:00', @@session.time_zone), '%Y-%m-%d %H:%i:%s')
                """) == "60")
        let opened = try #require(store.counters()["statements"])
        #expect(opened - before < 60 * 4)

        // Each is told twice, as by a relay that had no answer.
        try await atOnce(database, views + views) { try await store.closeView(.end($0, age: 5, seconds: 2)) }
        #expect(try #require(store.counters()["statements"]) - opened < 60 * 7)
        #expect(try database.cell("SELECT COUNT(*) FROM view") == "0")
        #expect(
            try database.sql(
                """
                SELECT COUNT(*), COUNT(DISTINCT sessnum, duration), MIN(duration) >= 2, MAX(duration) < 2.001 FROM viewlog
                """) == [["60", "60", "1", "1"]])
        #expect(
            try database.sql("SELECT COUNT(*), MIN(views), MAX(views), ROUND(SUM(seconds)) FROM mw_viewing")
                == [["20", "3", "3", "120"]])
        #expect(try database.cell("SELECT COUNT(*) FROM mw_view WHERE logged = 1") == "60")
    }

    @Test("it reads a few rows for each view, however many views and sessions there are", arguments: engines)
    func rowsRead(engine: String) async throws {
        let database = try await TestDatabase.withHost(connections: 1)
        try database.use(engine: engine)
        try database.sql(
            """
            INSERT INTO mw_session (sessnum, state, owner, application, hostname, dispnum, geometry, timeout, started)
            SELECT seq, 'running', 'alice', 'xterm', 'node1', seq, '1024x768', 60, UTC_TIMESTAMP() FROM seq_1_to_2000;
            INSERT INTO session (sessnum, username) SELECT seq, 'alice' FROM seq_1_to_2000;
            INSERT INTO mw_view (sessnum, username, mode, kind, relay, remoteip, reserved, opened, duration, logged)
            SELECT seq % 2000, 'alice', 'act', 'view', 'relay-0', '10.2.3.4', UTC_TIMESTAMP(3), UTC_TIMESTAMP(3), 5, 1
            FROM seq_1_to_20000;
            INSERT INTO viewlog (sessnum, username, remoteip, time, duration)
            SELECT sessnum, username, remoteip, opened, duration FROM mw_view;
            ANALYZE TABLE mw_session, session, mw_view, viewlog;
            """)
        let sessions = (1...60).map { SessionNumber(UInt64($0)) }
        var views: [UInt64] = []
        for session in sessions { views.append(try await database.reserve(session)) }
        let reserved = views
        let opening = try await database.rowsRead {
            try await atOnce(database, reserved) {
                _ = try await database.store.openView($0, began: 100, clock: "boot-1", age: 5)
            }
        }
        #expect(opening.values.reduce(0, +) <= 60 * 20, "\(opening)")
        // Each session has ten views before, and as many rows of the log.
        let ending = try await database.rowsRead {
            try await atOnce(database, reserved) { try await database.store.closeView(.end($0, seconds: 5)) }
        }
        #expect(ending.values.reduce(0, +) <= 60 * 80, "\(ending)")
        #expect(try database.cell("SELECT COUNT(*) FROM viewlog") == "20060")
    }

    @Test("sixty who come with a token cost one statement each, and the limit of a session holds among them")
    func arrivals() async throws {
        let database = try await TestDatabase.withHost(connections: 1)
        var sessions: [SessionNumber] = []
        for _ in 0..<20 { sessions.append(try await database.running()) }
        let (store, all) = (database.store, sessions)
        let places = (0..<60).map { UInt64($0) }
        let tokens = places.map { _ in Secret.token() }
        let before = try #require(store.counters()["statements"])
        try await atOnce(database, places) { place in
            try await store.mintToken(
                tokens[Int(place)], session: all[Int(place) % 20], user: .alice, mode: .act, kind: .view, seconds: nil,
                once: false)
        }
        let minted = try #require(store.counters()["statements"])
        #expect(minted - before <= 60 + 5)
        for place in places {
            #expect(try await store.resolve(token: tokens[Int(place)])?.session == all[Int(place) % 20])
        }

        let resolved = try #require(store.counters()["statements"])
        let given = Mutex<[UInt64]>([])
        try await atOnce(database, places) { place in
            let view = try await store.reserveView(
                session: all[Int(place) % 20], user: .alice, mode: .act, kind: .view, address: "10.2.3.4",
                relay: "relay-1", most: 2)
            if let view { given.withLock { $0.append(view) } }
        }
        #expect(try #require(store.counters()["statements"]) - resolved <= 60 + 8)
        let rows = try database.sql("SELECT viewid FROM mw_view").compactMap { UInt64($0[0]) }
        #expect(given.withLock { Set($0) } == Set(rows))
        #expect(
            try database.sql(
                """
                SELECT COUNT(*), MIN(n), MAX(n) FROM (SELECT sessnum, COUNT(*) AS n FROM mw_view GROUP BY sessnum) s
                """) == [["20", "2", "2"]])
    }

    @Test("one that the tables refuse is refused alone")
    func refusedAlone() async throws {
        let database = try await TestDatabase.withHost(connections: 1)
        let session = try await database.running()
        var views: [UInt64] = []
        for _ in 0..<5 { views.append(try await database.open(session, age: 60)) }
        let refused = views[2]
        // A scalar of two rows: a failure of this one's update.
        try database.sql(
            """
            CREATE TRIGGER refusal BEFORE UPDATE ON mw_view FOR EACH ROW
            SET NEW.cause = IF(NEW.viewid = \(refused), (SELECT 'a' UNION SELECT 'b'), NEW.cause)
            """)
        try await atOnce(database, views) { view in
            do {
                try await database.store.closeView(.end(view, seconds: 5))
                #expect(view != refused)
            } catch {
                #expect(view == refused, "\(error)")
            }
        }
        #expect(try database.cell("SELECT COUNT(*) FROM viewlog") == "4")
        #expect(try database.sql("SELECT viewid FROM mw_view WHERE duration IS NULL") == [["\(refused)"]])
    }
}
