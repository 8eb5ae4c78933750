import Foundation
import SessionModel
import Testing

@testable import SessionStore

/// How many live sessions and how many rows of the past there are. `MAXWELL_TEST_LONG` asks for a large hub's.
private let live = 10_000
private let past = ProcessInfo.processInfo.environment["MAXWELL_TEST_LONG"] == nil ? 20_000 : 1_000_000

@Suite("what a start costs on a large hub")
struct StartPlanTests {
    @Test("a start reads as few rows among ten thousand sessions as in an empty database", arguments: engines)
    func rowsRead(engine: String) async throws {
        let database = try await TestDatabase.withHost(connections: 1)
        try database.use(engine: engine)
        _ = try database.fillPool(20)
        let empty = try await readByStart(in: database)
        try fill(database, past: past)
        let full = try await readByStart(in: database)
        // Twenty hosts are read by those who order them, and nothing else grows.
        let read = "empty: \(empty), full: \(full)"
        #expect(full["Handler_read_rnd_next", default: 0] <= empty["Handler_read_rnd_next", default: 0] + 40, "\(read)")
        #expect(full.values.reduce(0, +) <= empty.values.reduce(0, +) + 150, "\(read)")
        #expect(full["Created_tmp_disk_tables"] == 0)
    }

    @Test("a new display's number is found by reading the displays below it")
    func rowsReadForNumber() async throws {
        let database = try await TestDatabase.withHost(connections: 1)
        _ = try database.fillPool(500)
        try fill(database)
        let read = try await database.rowsRead {
            let claimed = try await database.claim()
            #expect(claimed?.number.value == 501)
        }
        #expect(read["Handler_read_rnd_next", default: 0] <= 10, "\(read)")
        #expect(read.values.reduce(0, +) <= 1600, "\(read)")
    }

    @Test("every statement of a start finds its rows by a key", arguments: engines)
    func plans(engine: String) async throws {
        let database = try await TestDatabase.withHost()
        try database.use(engine: engine)
        try fill(database)
        let statements = [
            "UPDATE host SET uses = uses + 1 WHERE hostname = 'h3' AND (max_uses = 0 OR uses < max_uses)",
            "UPDATE mw_display SET state = 'used' WHERE hostname = 'h3' AND dispnum = 7 AND state = 'ready'",
            "SELECT dispnum FROM mw_display WHERE state = 'ready' AND hostname = 'h3'",
            "SELECT uid FROM mw_display WHERE hostname = 'h3' AND dispnum = 7",
            "UPDATE mw_session SET state = 'running' WHERE sessnum = 77 AND state = 'starting'",
            """
            UPDATE mw_session m JOIN display p ON p.hostname = m.hostname AND p.dispnum = m.dispnum
            SET p.status = 'used' WHERE m.sessnum = 77
            """,
            "SELECT COUNT(*) FROM mw_session WHERE owner = 'u7' AND state IN ('starting', 'running')",
            """
            SELECT COUNT(*) FROM mw_session
            WHERE application = 'a7' AND state IN ('starting', 'running') AND stress IS NULL
            """,
            """
            SELECT with_gl, COUNT(*) FROM mw_session
            WHERE started >= UTC_TIMESTAMP(3) - INTERVAL 60 SECOND AND NOT stress <=> 'synthetic' GROUP BY with_gl
            """,
            """
            SELECT dispnum FROM mw_display
            WHERE state = 'ready' AND with_gl = 0 AND hostname = 'h3' ORDER BY since LIMIT 8
            """,
        ]
        for statement in statements {
            // Columns: id, select_type, table, type, possible_keys, key, key_len, ref, rows, Extra.
            for row in try database.sql("EXPLAIN " + statement) where row[2] != "NULL" {
                #expect(row[3] != "ALL" && row[3] != "index" && row[5] != "NULL", "\(row) of \(statement)")
                #expect(try #require(Int(row[8])) <= 200, "\(row) of \(statement)")
                // What grows with a limit is counted in the key alone.
                if statement.contains("COUNT(*)") { #expect(row[9].contains("Using index"), "\(row) of \(statement)") }
            }
        }
    }

    /// What a whole start of ours reads, by handler counter.
    private func readByStart(in database: TestDatabase) async throws -> [String: Int] {
        try await database.rowsRead {
            let store = database.store
            let hosts = try await store.hosts().map(\.name)
            let ready = try await store.readyDisplays(withGL: false, on: hosts, perHost: 4)
            _ = try await store.recentStarts()
            _ = try await store.sessionsPerHost(of: .alice)
            let limits = SessionLimits(perUser: 50, perApplication: 50)
            let session = try #require(
                try await database.begun(.alice, .ready(ready.map(\.id)), limits: limits)
            ).number
            try await store.markRunning(session, steps: "[]")
        }
    }

    /// Twenty hosts with live sessions, and `past` sessions that the portal's log knows, a tenth of which we still do;
    /// all began an hour ago or before.
    private func fill(_ database: TestDatabase, past: Int = 20_000) throws {
        try database.sql(
            """
            INSERT INTO host (hostname, status, provisions, zone_id) SELECT CONCAT('h', seq), 'up', 3, 1 FROM seq_1_to_19;
            INSERT INTO session (username, exechost, dispnum, start, accesstime, appname, sessname)
            SELECT CONCAT('u', seq % 1000), CONCAT('h', 1 + seq % 19), 1 + seq DIV 19, NOW() - INTERVAL 1 HOUR, NOW(),
              CONCAT('a', seq % 100), 'Filled' FROM seq_1_to_\(live);
            INSERT INTO mw_session (sessnum, state, owner, application, hostname, dispnum, geometry, timeout, started,
              running)
            SELECT sessnum, 'running', username, appname, exechost, dispnum, '1024x768', 60,
              UTC_TIMESTAMP() - INTERVAL 1 HOUR, UTC_TIMESTAMP() FROM session WHERE sessname = 'Filled';
            INSERT INTO mw_display (hostname, dispnum, state, sessnum, link_key, uid, password, geometry, depth, created)
            SELECT hostname, dispnum, 'used', sessnum, MD5(sessnum), 1, 'testtest', '1024x768', 24, UTC_TIMESTAMP()
            FROM mw_session WHERE application LIKE 'a%' AND state = 'running' AND owner LIKE 'u%';
            INSERT INTO display (hostname, dispnum, geometry, depth, sessnum, vncpass, status)
            SELECT hostname, dispnum, geometry, 24, sessnum, '', 'used' FROM mw_display WHERE state = 'used'
            ON DUPLICATE KEY UPDATE status = 'used';
            INSERT INTO viewperm (sessnum, viewuser, viewtoken)
            SELECT sessnum, username, MD5(sessnum) FROM session WHERE sessname = 'Filled';
            INSERT INTO sessionlog (sessnum, username, exechost, start, appname)
            SELECT 10000000 + seq, CONCAT('u', seq % 1000), 'h1', NOW() - INTERVAL seq MINUTE, CONCAT('a', seq % 100)
            FROM seq_1_to_\(past);
            INSERT INTO mw_session (sessnum, state, owner, application, hostname, dispnum, geometry, timeout, started,
              ended)
            SELECT 10000000 + seq, 'ended', CONCAT('u', seq % 1000), CONCAT('a', seq % 100), 'h1', 1, '1024x768', 60,
              UTC_TIMESTAMP() - INTERVAL 60 + seq MINUTE, UTC_TIMESTAMP() - INTERVAL 60 + seq MINUTE
            FROM seq_1_to_\(past / 10);
            ANALYZE TABLE session, mw_session, mw_display, display, viewperm, sessionlog, host;
            """)
    }
}
