import SessionModel
import Testing

@testable import SessionStore

@Suite("ends of sessions and views, whatever breaks in between")
struct EndTests {
    @Test(
        "an account is fixed once: who ends the session again changes nothing but what was missing", arguments: engines)
    func fixedOnce(engine: String) async throws {
        let database = try await TestDatabase.withHost()
        try database.use(engine: engine)
        let session = try await database.running()
        let view = try await database.open(session, age: 60)
        _ = try await database.beat([view], seconds: 20, age: 60)
        _ = try await database.store.beginEnd(session, reason: "stopped")
        // Before `ending` nothing is finished, and before it was moved nothing is closed.
        try await database.store.closeEnd(session, final: .some)
        #expect(try await database.store.session(session)?.state == .ending)
        try await database.store.finishEnd(session, accounts: .some, failedStart: false)
        let moved = try #require(try await database.store.session(session))
        #expect(moved.state == .ending && moved.isMoved && moved.endingFor < 1000)
        // Nobody watches longer than the session lasts.
        #expect(
            try database.sql("SELECT walltime, viewtime, cputime FROM sessionlog") == [["20", "20", "3.25"]])
        #expect(try database.sql("SELECT duration FROM viewlog") == [["20"]])
        try await database.store.finishEnd(
            session, accounts: SessionAccounts(wall: 99, cpu: 99, status: 9), failedStart: true)
        for wall in [50.0, 70] {
            try await database.store.closeEnd(
                session, final: SessionAccounts(wall: wall, cpu: 4, status: 2), exitStatus: 2)
        }
        #expect(
            try database.sql(
                "SELECT state, walltime, viewtime, cputime, final_wall, final_cpu, exit_status FROM mw_session")
                == [["ended", "20", "20", "3.25", "50", "4", "2"]])
        #expect(try database.sql("SELECT walltime, status FROM sessionlog") == [["20", "0"]])
        let story = try #require(try await database.store.story(of: session))
        #expect(story.wall == 20 && story.view == 20 && story.cpu == 3.25 && story.exitStatus == 2)
        #expect(try await database.store.endingSessions().isEmpty)
    }

    @Test("what was used when the end began is kept for whoever finishes it, and gives way to what is told at last")
    func noted() async throws {
        let database = try await TestDatabase.withHost()
        let session = try await database.running()
        try await database.store.noteAccount(session, wall: 1, cpu: 1)
        #expect(try await database.store.session(session)?.noted == nil)
        _ = try await database.store.beginEnd(session, reason: "stopped")
        try await database.store.noteAccount(session, wall: 12.5, cpu: 3)
        try await database.store.noteAccount(session, wall: 99, cpu: 99)
        let record = try #require(try await database.store.session(session))
        #expect(record.noted?.wall == 12.5 && record.noted?.cpu == 3)
        try await database.store.finishEnd(
            session, accounts: SessionAccounts(wall: 12.5, cpu: 3, status: 0), failedStart: false)
        try await database.store.closeEnd(session, final: nil)
        let figures = "SELECT final_wall, final_cpu FROM mw_session WHERE sessnum ="
        #expect(try database.sql("\(figures) \(session)") == [["12.5", "3"]])
        let other = try await database.running()
        _ = try await database.store.beginEnd(other, reason: "stopped")
        try await database.store.noteAccount(other, wall: 12.5, cpu: 3)
        try await database.store.finishEnd(
            other, accounts: SessionAccounts(wall: 12.5, cpu: 3, status: 0), failedStart: false)
        try await database.store.closeEnd(other, final: SessionAccounts(wall: 17, cpu: 4, status: 0))
        #expect(try database.sql("\(figures) \(other)") == [["17", "4"]])
    }

    @Test("a session that runs is not finished without having been begun to end")
    func notBegun() async throws {
        let database = try await TestDatabase.withHost()
        let session = try await database.running()
        try await database.store.finishEnd(session, accounts: .some, failedStart: false)
        #expect(try await database.store.session(session)?.state == .running)
        #expect(try database.cell("SELECT COUNT(*) FROM session") == "1")
    }

    @Test("logs are written though the portal's rows are gone or stale", arguments: engines, ["gone", "stale"])
    func withoutRows(engine: String, rows: String) async throws {
        let database = try await TestDatabase.withHost()
        try database.use(engine: engine)
        let session = try await database.running()
        let view = try await database.open(session)
        if rows == "gone" {
            try database.sql("DELETE FROM session; DELETE FROM viewperm; DELETE FROM view")
        } else {
            try database.sql(
                "UPDATE session SET username = 'x', exechost = 'y', dispnum = 77, remoteip = '', zone_id = 9")
        }
        try await database.store.closeView(.end(view, seconds: 5))
        try await database.end(session)
        #expect(
            try database.sql(
                """
                SELECT username, remoteip, exechost, dispnum, appname, walltime, viewtime, zone_id,
                  ABS(TIMESTAMPDIFF(SECOND, start, NOW())) < 1000 FROM sessionlog
                """) == [["alice", "2001:db8::1", "node1", "1", "xterm_r1", "12.5", "5", "1", "1"]])
        #expect(try database.sql("SELECT username, duration FROM viewlog") == [["alice", "5"]])
        #expect(try database.sql("SELECT job, event FROM joblog") == [["0", "application"]])
        #expect(try database.cell("SELECT COUNT(*) FROM session") == "0")
    }

    @Test("a view that is told after its session's end is logged, and nothing of it stays", arguments: engines)
    func late(engine: String) async throws {
        let database = try await TestDatabase.withHost()
        try database.use(engine: engine)
        let session = try await database.running()
        let closed = try await database.reserve(session)
        let opened = try await database.reserve(session)
        let never = try await database.reserve(session)
        let beaten = try await database.reserve(session)
        try await database.end(session)
        #expect(try database.cell("SELECT COUNT(*) FROM mw_view") == "4")
        // Both are of one second and as long: they are two nevertheless.
        try await database.store.closeView(.end(closed, age: 0, seconds: 0))
        #expect(try await database.store.openView(opened, began: 100, clock: "boot-1", age: 0))
        try database.sql(
            """
            UPDATE mw_view SET opened = (SELECT CONVERT_TZ(time, @@time_zone, '+00:00') FROM viewlog)
            WHERE viewid = \(opened)
            """)
        try await database.store.closeView(.end(opened, age: 0, seconds: 0))
        try await database.store.closeView(.end(never, began: nil, age: nil, seconds: 0))
        #expect(try await database.beat([beaten], seconds: 3, age: 4) == [beaten])
        #expect(try database.cell("SELECT COUNT(*) FROM view") == "0")
        try await database.store.closeView(.end(beaten, seconds: 4))
        #expect(
            try database.sql("SELECT ROUND(duration, 3) FROM viewlog ORDER BY 1") == [["0.000"], ["0.000"], ["4.000"]])
        #expect(try await database.store.viewings(of: session).map(\.views) == [3])
        for table in ["mw_view", "view", "session"] {
            #expect(try database.cell("SELECT COUNT(*) FROM `\(table)`") == "0", "\(table)")
        }
    }

    @Test("a crash between the two steps of a view's end leaves one row in the log", arguments: engines)
    func betweenSteps(engine: String) async throws {
        let database = try await TestDatabase.withHost()
        try database.use(engine: engine)
        let session = try await database.running()
        let view = try await database.open(session, age: 60)
        try await database.store.run { connection throws(StoreError) in
            try Database.fix([.init(view: view, told: .end(view, seconds: 5.25))], connection)
        }
        #expect(try database.cell("SELECT COUNT(*) FROM viewlog") == "0")
        #expect(try await database.store.session(session)?.viewers == 0)
        #expect(try await database.store.logEndedViews() == 1)
        #expect(try await database.store.logEndedViews() == 0)
        try await database.store.closeView(.end(view, seconds: 7))
        #expect(try database.sql("SELECT duration FROM viewlog") == [["5.25"]])
        #expect(try database.cell("SELECT COUNT(*) FROM view") == "0")
        #expect(try await database.store.viewings(of: session).map(\.seconds) == [5.25])
    }

    @Test("what MyISAM kept of a step that was rolled back is not written again")
    func rolledBack() async throws {
        let database = try await TestDatabase.withHost()
        try database.use(engine: "MyISAM")
        let session = try await database.running()
        let view = try await database.open(session, age: 60)
        try await database.store.closeView(.end(view, seconds: 5.1))
        let fixed = try #require(try database.cell("SELECT duration FROM mw_view"))
        // The commit of ours is lost, at each place of the step: the log's row is there, `view`'s too or not.
        for viewRow in [true, false] {
            try database.sql("UPDATE mw_view SET logged = 0; DELETE FROM mw_viewing")
            if viewRow {
                try database.sql(
                    "INSERT INTO view (viewid, sessnum, username) SELECT portal_view, sessnum, username FROM mw_view")
            }
            #expect(try await database.store.logEndedViews() == 1)
            #expect(try database.cell("SELECT COUNT(*) FROM viewlog") == "1")
            #expect(try database.cell("SELECT COUNT(*) FROM view") == "0")
            #expect(try await database.store.viewings(of: session).map(\.seconds) == [Double(fixed)])
        }
    }

    @Test("rows of logs that MyISAM lost after the commit come again while the session lives, and at its end")
    func lostWrites() async throws {
        let database = try await TestDatabase.withHost()
        try database.use(engine: "MyISAM")
        let session = try await database.running()
        for seconds in [1.5, 2.5, 3.5] {
            try await database.store.closeView(.end(try await database.open(session, age: 60), seconds: seconds))
        }
        try database.sql("DELETE FROM viewlog WHERE duration < 3")
        _ = try await database.store.beginEnd(session, reason: "stopped")
        try await database.store.finishEnd(session, accounts: .some, failedStart: false)
        #expect(try database.sql("SELECT duration FROM viewlog ORDER BY 1") == [["1.5"], ["2.5"], ["3.5"]])
        #expect(try await database.store.viewings(of: session).map(\.views) == [3])
        try database.sql(
            """
            DELETE FROM sessionlog; DELETE FROM joblog;
            INSERT INTO session (sessnum, username, exechost) VALUES (\(session), 'alice', 'node1');
            INSERT INTO viewperm (sessnum, viewuser) VALUES (\(session), 'alice');
            """)
        try await database.store.closeEnd(session, final: nil)
        #expect(try database.sql("SELECT walltime FROM sessionlog") == [["12.5"]])
        #expect(try database.sql("SELECT walltime FROM joblog") == [["12.5"]])
        for table in ["session", "viewperm"] {
            #expect(try database.cell("SELECT COUNT(*) FROM `\(table)`") == "0", "\(table)")
        }
    }

    @Test("an end that was interrupted anywhere is finished by the next who comes, as it was fixed", arguments: engines)
    func interrupted(engine: String) async throws {
        // What is undone is what a crash after the n-th group of writes would not have written.
        for undone in 0..<4 {
            let database = try await TestDatabase.withHost()
            try database.use(engine: engine)
            let session = try await database.running()
            let view = try await database.open(session, age: 60)
            _ = try await database.beat([view], seconds: 8, age: 60)
            let before = try database.sql("SELECT viewid, sessnum, username, remoteip FROM view")[0]
            _ = try await database.store.beginEnd(session, reason: "stopped")
            try database.sql("CREATE TABLE kept AS SELECT * FROM mw_view")
            try await database.store.finishEnd(session, accounts: .some, failedStart: false, exitStatus: 5)
            // The commit of the second step is lost; of the portal's tables this much was written.
            try database.sql(
                """
                UPDATE mw_session SET moved = 0; DELETE FROM mw_viewing;
                INSERT INTO mw_view SELECT * FROM kept;
                UPDATE mw_view SET duration = seconds;
                """)
            if undone >= 1 {
                try database.sql(
                    """
                    INSERT INTO session (sessnum, username, exechost) VALUES (\(session), 'alice', 'node1');
                    INSERT INTO view (viewid, sessnum, username) VALUES (\(before[0]), \(session), 'alice');
                    """)
            }
            if undone >= 2 { try database.sql("DELETE FROM sessionlog; DELETE FROM joblog") }
            if undone >= 3 { try database.sql("DELETE FROM viewlog") }
            try await database.store.finishEnd(
                session, accounts: SessionAccounts(wall: 77, cpu: 77, status: 0), failedStart: true)
            try await database.store.closeEnd(session, final: nil)
            #expect(
                try database.sql("SELECT walltime, viewtime, cputime, status FROM sessionlog")
                    == [["12.5", "8", "3.25", "5"]])
            #expect(try database.sql("SELECT duration FROM viewlog") == [["8"]])
            #expect(try await database.store.viewings(of: session).map(\.seconds) == [8])
            #expect(try await database.store.session(session)?.state == .ended)
            for table in ["session", "view", "viewperm", "mw_view"] {
                #expect(try database.cell("SELECT COUNT(*) FROM `\(table)`") == "0", "\(table)")
            }
        }
    }

    @Test("`view` is mended: a row that a crash left alone goes, one that was lost comes again", arguments: engines)
    func mended(engine: String) async throws {
        let database = try await TestDatabase.withHost()
        try database.use(engine: engine)
        let session = try await database.running()
        let view = try await database.open(session, age: 60)
        try database.sql(
            """
            DELETE FROM view;
            INSERT INTO view (viewid, sessnum, username, start, heartbeat) VALUES
              (501, \(session), 'alice', NOW(), NOW() - INTERVAL 1 HOUR), (502, \(session), 'alice', NOW(), NOW() + INTERVAL 1 HOUR),
              (503, 999, 'bob', NOW(), NOW() - INTERVAL 1 HOUR);
            """)
        #expect(try await database.store.removeStaleReservations() == 0)
        let row = try database.cell("SELECT portal_view FROM mw_view") ?? ""
        #expect(
            try database.sql("SELECT viewid FROM view ORDER BY viewid") == [["502"], ["503"], [row]])
        #expect(try await database.beat([view], seconds: 1, age: 61).isEmpty)
        try await database.store.closeView(.end(view, seconds: 3))
        #expect(try database.sql("SELECT viewid FROM view ORDER BY viewid") == [["502"], ["503"]])
    }

    @Test("ends of many views and of their session at once log each view once", arguments: engines)
    func atOnce(engine: String) async throws {
        let database = try await TestDatabase.withHost(connections: 6)
        try database.use(engine: engine)
        let other = database.anotherController(connections: 6)
        let session = try await database.running()
        var views: [UInt64] = []
        for _ in 0..<30 { views.append(try await database.open(session, age: 60)) }
        let all = views
        try await withThrowingTaskGroup(of: Void.self) { group in
            for store in [database.store, other] {
                for view in all { group.addTask { try await store.closeView(.end(view, seconds: 5)) } }
                group.addTask { _ = try await store.logEndedViews() }
                group.addTask { _ = try await store.removeStaleReservations() }
                group.addTask { _ = try await store.removeHalfBegun() }
                group.addTask {
                    _ = try await store.beatViews(
                        relay: "r", instance: "relay-1", clock: "boot-1", at: nil,
                        all.map { ViewProof(view: $0, began: 100, seconds: 4, age: 60) })
                }
                group.addTask {
                    _ = try await store.beginEnd(session, reason: "stopped")
                    try await store.finishEnd(session, accounts: .some, failedStart: false)
                    try await store.closeEnd(session, final: nil)
                }
            }
            try await group.waitForAll()
        }
        _ = try await database.store.logEndedViews()
        #expect(try database.cell("SELECT COUNT(*) FROM viewlog") == "30")
        #expect(try await database.store.viewings(of: session).map(\.views) == [30])
        for table in ["session", "view", "viewperm", "mw_view"] {
            #expect(try database.cell("SELECT COUNT(*) FROM `\(table)`") == "0", "\(table)")
        }
        #expect(try await database.store.session(session)?.state == .ended)
    }

    @Test("an end reads few rows of the logs, however long they are", arguments: engines)
    func plans(engine: String) async throws {
        let database = try await TestDatabase.withHost()
        try database.use(engine: engine)
        try database.sql(
            """
            INSERT INTO viewlog (sessnum, username, remoteip, time, duration)
            SELECT 1000 + seq % 5000, 'alice', '10.2.3.4', NOW() - INTERVAL seq SECOND, seq FROM seq_1_to_20000;
            INSERT INTO mw_view (sessnum, username, mode, kind, relay, reserved, opened, duration, logged)
            SELECT 1000 + seq % 5000, 'alice', 'act', 'view', 'relay-0', UTC_TIMESTAMP(3), UTC_TIMESTAMP(3), 5, 1
            FROM seq_1_to_20000;
            INSERT INTO mw_session (sessnum, state, owner, application, hostname, dispnum, geometry, timeout, started)
            SELECT 1000 + seq, 'ended', 'alice', 'xterm', 'node1', 1, '1024x768', 60, UTC_TIMESTAMP()
            FROM seq_1_to_5000;
            INSERT INTO sessionlog (sessnum) SELECT 1000 + seq FROM seq_1_to_5000;
            INSERT INTO job (sessnum, jobid) SELECT 1000 + seq, seq FROM seq_1_to_5000;
            ANALYZE TABLE viewlog, mw_view, mw_session, sessionlog, job;
            """)
        let statements = [
            """
            INSERT INTO viewlog (sessnum, username, remoteip, remotehost, time, duration)
            SELECT 1007, 'alice', '10.2.3.4', '', '2026-01-01', 5 FROM (SELECT 1) one
            WHERE NOT EXISTS (SELECT 1 FROM viewlog WHERE sessnum = 1007 AND username = 'alice'
              AND remoteip = '10.2.3.4' AND time = '2026-01-01' AND duration = 5)
            """,
            "SELECT COUNT(*) FROM viewlog WHERE sessnum = 1007",
            "SELECT viewid FROM mw_view WHERE logged = 0 AND duration IS NOT NULL ORDER BY viewid",
            "SELECT viewid FROM mw_view WHERE relay = 'relay-1' AND opened IS NOT NULL AND duration IS NULL",
            "SELECT COUNT(*) FROM mw_view WHERE sessnum = 1007 AND opened IS NOT NULL AND duration IS NULL",
            """
            DELETE FROM mw_view WHERE logged = 0 AND duration IS NULL AND opened IS NULL
              AND reserved < UTC_TIMESTAMP(3) - INTERVAL 10 MINUTE
            """,
            """
            SELECT j.jobid FROM mw_session m JOIN job j ON j.sessnum = m.sessnum
            WHERE m.sessnum = 1007 AND j.active <> 0 AND j.jobid > 0
            """,
            "DELETE FROM view WHERE sessnum = 1007",
        ]
        for statement in statements {
            // Columns: id, select_type, table, type, possible_keys, key, key_len, ref, rows, Extra.
            for row in try database.sql("EXPLAIN " + statement)
            where ["viewlog", "mw_view", "sessionlog", "job", "j", "m"].contains(row[2]) && row[1] != "INSERT" {
                #expect(row[3] != "ALL" && row[3] != "index", "\(row) of \(statement)")
                if let rows = Int(row[8]) { #expect(rows <= 20, "\(row) of \(statement)") }
            }
        }
    }
}
