import SessionModel
import Testing

@testable import SessionStore

@Suite("sessions")
struct SessionTests {
    @Test("a running session is what the portal's own query finds")
    func portalView() async throws {
        let database = try await TestDatabase.withHost()
        let session = try await database.begin()
        #expect(try database.cell("SELECT COUNT(*) FROM viewperm") == "0")
        #expect(try database.sql("SELECT sessnum, status FROM display") == [["0", "absent"]])
        try await database.store.markRunning(session, steps: "[]")
        let rows = try database.sql(
            """
            SELECT s.sessnum, s.username, s.remoteip, s.exechost, s.dispnum, s.timeout, s.appname, s.sessname,
              s.sesstoken, s.params, s.zone_id, v.viewuser, v.geometry, v.fwhost, v.fwport, v.vncpass, v.readonly,
              ABS(TIMESTAMPDIFF(SECOND, s.start, NOW())) < 1000, s.start = s.accesstime, v.viewtoken REGEXP '^[0-9a-f]{32}$'
            FROM viewperm AS v JOIN session AS s ON v.sessnum = s.sessnum WHERE v.viewuser = 'alice'
            """)
        #expect(
            rows == [
                [
                    "\(session)", "alice", "2001:db8::1", "node1", "1", "3600", "xterm_r1", "Terminal",
                    "ffeeddccbbaa99887766554433221100", "file(x):/home/alice/ü", "1", "alice", "1024x768", "node1",
                    "9001", "beafef4c081572d8", "No", "1", "1", "1",
                ]
            ])
        #expect(try database.sql("SELECT sessnum, status FROM display") == [["\(session)", "used"]])
    }

    @Test("the record tells what a view needs, and the state follows the life")
    func record() async throws {
        let database = try await TestDatabase.withHost()
        let session = try await database.begin()
        let starting = try #require(try await database.store.session(session))
        #expect(starting.state == .starting)
        #expect(starting.owner == .alice)
        #expect(starting.place?.host == .node1)
        #expect(starting.display?.key == linkKey)
        #expect(starting.display?.password == viewerPassword)
        #expect(starting.display?.uid == 2_000_001)
        try await database.store.markRunning(session, steps: "[]")
        #expect(try await database.store.session(session)?.state == .running)
        #expect(try await database.store.session(SessionNumber(999)) == nil)
    }

    @Test("lists hold what lives, by owner and by host, and rows of others' tools disturb nothing")
    func lists() async throws {
        let database = try await TestDatabase.withHost()
        let first = try await database.running()
        let second = try await database.running(.bob)
        try database.sql("INSERT INTO session (username, remoteip) VALUES ('alice', '10.1.1.1')")
        #expect(try await database.store.sessions(of: nil).map(\.number) == [first, second])
        #expect(try await database.store.sessions(of: .alice).map(\.number) == [first])
        #expect(try await database.store.sessions(on: .node1).map(\.number) == [first, second])
        try await stop(first, in: database)
        #expect(try await database.store.sessions(of: nil).map(\.number) == [second])
    }

    @Test("of many who end a session one carries it out")
    func oneEnd() async throws {
        let database = try await TestDatabase.withHost(connections: 8)
        let session = try await database.running()
        let records = try await withThrowingTaskGroup(of: SessionRecord?.self) { group in
            for _ in 0..<10 { group.addTask { try await database.store.beginEnd(session, reason: "stopped") } }
            return try await group.reduce(into: [SessionRecord]()) { $0 += $1.map { [$0] } ?? [] }
        }
        #expect(records.map(\.number) == [session])
        #expect(records.first?.display?.key == linkKey)
        #expect(try await database.store.endingSessions().map(\.number) == [session])
    }

    @Test("an ended session leaves its accounts and nothing else of the portal's", arguments: ["InnoDB", "MyISAM"])
    func accounts(engine: String) async throws {
        let database = try await TestDatabase.withHost()
        try database.use(engine: engine)
        let session = try await database.running()
        try database.sql(
            """
            INSERT INTO job (sessnum, jobid, superjob, username, event, ncpus, venue, start, heartbeat, active) VALUES
              (\(session), 7, 4, 'alice', 'simulation', 8, 'cluster', NOW() - INTERVAL 100 SECOND, NOW(), 1),
              (\(session), 8, 0, 'alice', 'past', 1, '', NOW() - INTERVAL 100 SECOND, NOW(), 0),
              (999, 9, 0, 'bob', 'simulation', 1, '', NOW(), NOW(), 1);
            """)
        try await stop(session, in: database)
        #expect(try database.sql("SELECT jobid FROM job") == [["9"]])
        try database.sql("DELETE FROM job")
        for table in ["session", "viewperm", "view", "fileperm", "job", "mw_ticket", "mw_view"] {
            #expect(try database.cell("SELECT COUNT(*) FROM `\(table)`") == "0", "\(table)")
        }
        let log = """
            SELECT sessnum, username, remoteip, remotehost, exechost, dispnum, appname, walltime, viewtime, cputime,
              status, zone_id FROM sessionlog
            """
        #expect(
            try database.sql(log) == [
                ["\(session)", "alice", "2001:db8::1", "", "node1", "1", "xterm_r1", "12.5", "0", "3.25", "0", "1"]
            ])
        #expect(
            try database.sql(
                """
                SELECT sessnum, job, superjob, event, IF(job, walltime BETWEEN 100 AND 1100, walltime), cputime, ncpus,
                  venue, zone_id FROM joblog ORDER BY job
                """) == [
                    ["\(session)", "0", "0", "application", "12.5", "3.25", "1", "", "1"],
                    ["\(session)", "7", "4", "simulation", "1", "0", "8", "cluster", "1"],
                ])
        #expect(try await database.store.session(session)?.state == .ended)
        #expect(try await database.store.endingSessions().isEmpty)
    }

    @Test("an end that is repeated writes nothing twice", arguments: ["InnoDB", "MyISAM"])
    func repeatedEnd(engine: String) async throws {
        let database = try await TestDatabase.withHost()
        try database.use(engine: engine)
        let session = try await database.running()
        try await stop(session, in: database)
        let other = SessionAccounts(wall: 99, cpu: 99, status: 1)
        try await database.store.finishEnd(session, accounts: other, failedStart: false)
        try await database.store.finishEnd(session, accounts: other, failedStart: true)
        try await database.store.closeEnd(session, final: other)
        #expect(try database.sql("SELECT walltime FROM sessionlog") == [["12.5"]])
        #expect(try database.sql("SELECT walltime FROM joblog") == [["12.5"]])
        #expect(try await database.store.session(session)?.state == .ended)
    }

    @Test("a start that failed leaves no account, and the session is kept as failed with its reason")
    func failedStart() async throws {
        let database = try await TestDatabase.withHost()
        let session = try await database.begin()
        _ = try await database.store.beginEnd(session, reason: "the display died", errorID: "E1")
        try await database.store.finishEnd(
            session, accounts: SessionAccounts(wall: 0, cpu: 0, status: 1), failedStart: true)
        try await database.store.closeEnd(session, final: nil)
        #expect(try database.cell("SELECT COUNT(*) FROM sessionlog") == "0")
        #expect(try database.cell("SELECT COUNT(*) FROM session") == "0")
        let record = try #require(try await database.store.session(session))
        #expect(record.state == .failed)
        #expect(record.reason == "the display died")
        #expect(record.errorID == "E1")
    }

    @Test("numbers are never used twice")
    func numbers() async throws {
        let database = try await TestDatabase.withHost()
        let first = try await database.running()
        try await stop(first, in: database)
        #expect(try await database.begin() > first)
    }

    @Test("a session row that a crash left alone is removed, others stay")
    func halfBegun() async throws {
        let database = try await TestDatabase.withHost()
        _ = try await database.running()
        try database.sql(
            """
            INSERT INTO session (username, exechost, appname, start) VALUES
              ('alice', 'node1', 'xterm', NOW() - INTERVAL 1 HOUR), ('alice', '', '', NOW() - INTERVAL 1 HOUR),
              ('alice', 'node1', 'xterm', NOW())
            """)
        #expect(try await database.store.removeHalfBegun() == 1)
        #expect(try database.cell("SELECT COUNT(*) FROM session") == "3")
    }

    @Test("a start's rows take few round trips")
    func roundTrips() async throws {
        let database = try await TestDatabase.withHost(connections: 1)
        let ready = try await database.makeReady()
        func statements(_ work: () async throws -> Void) async throws -> UInt64 {
            let before = try #require(database.store.counters()["statements"])
            try await work()
            return try #require(database.store.counters()["statements"]) - before
        }
        // A use, a display, what it is, its zone, two rows of the session, its display's; START TRANSACTION and COMMIT.
        #expect(try await statements { _ = try await database.begun(.alice, .ready([ready])) } == 9)
        let limits = SessionLimits(perUser: 9, perApplication: 9)
        #expect(try await statements { _ = try await database.begun(.bob, .fresh(.fresh()), limits: limits) } == 14)
        let session = try #require(try await database.store.sessions(of: .alice).first?.number)
        // The session's and its display's row, the portal's display, the owner's permission.
        #expect(try await statements { try await database.store.markRunning(session, steps: "[]") } == 5)
    }

    private func stop(_ session: SessionNumber, in database: TestDatabase) async throws {
        let record = try #require(try await database.store.beginEnd(session, reason: "stopped"))
        try await database.store.finishEnd(session, accounts: .some, failedStart: false)
        try await database.store.closeEnd(session, final: nil)
        let place = try #require(record.place)
        try await database.store.releaseDisplay(place.number, key: try #require(record.display).key, on: place.host)
    }
}
