import SessionModel
import SessionStore
import Testing

@Suite("what is told of a session")
struct StoryTests {
    @Test("a session's story has its times, what its start tried, and how its application ended")
    func wholeLife() async throws {
        let database = try await TestDatabase.withHost()
        let session = try await database.begin()
        let starting = try #require(try await database.store.story(of: session))
        #expect(starting.running == nil && starting.ended == nil && starting.steps == nil)
        try await database.store.markRunning(session, steps: #"[{"what":"ready display"}]"#)
        _ = try await database.store.beginEnd(session, reason: "the application exited", errorID: "E1")
        try await database.store.finishEnd(
            session, accounts: .some, failedStart: false, exitStatus: 3, logTail: "ünable\nto start")
        #expect(try await database.store.story(of: session)?.ended == nil)
        try await database.store.closeEnd(session, final: nil)
        let story = try #require(try await database.store.story(of: session))
        #expect(story.record.state == .ended)
        #expect(story.record.reason == "the application exited")
        #expect(story.record.errorID == "E1")
        #expect(story.record.place?.host == .node1)
        #expect(story.running != nil && story.ended != nil)
        #expect(story.exitStatus == 3)
        #expect(story.wall == 12.5 && story.view == 0 && story.cpu == 3.25)
        #expect(story.steps == #"[{"what":"ready display"}]"#)
        #expect(story.logTail == "ünable\nto start")
        #expect(try await database.store.story(of: SessionNumber(999)) == nil)
    }

    @Test("an end that is repeated without them keeps the status, the log and the steps")
    func repeatedEnd() async throws {
        let database = try await TestDatabase.withHost()
        let session = try await database.begin()
        _ = try await database.store.beginEnd(session, reason: "the start failed")
        try await database.store.finishEnd(
            session, accounts: .some, failedStart: true, exitStatus: 1, logTail: "x", steps: "[1]")
        try await database.store.finishEnd(session, accounts: .some, failedStart: true)
        let story = try #require(try await database.store.story(of: session))
        #expect(story.exitStatus == 1 && story.logTail == "x" && story.steps == "[1]")
    }

    @Test("a start that never had a display is kept and told, and the portal has no row of it", arguments: engines)
    func withoutDisplay(engine: String) async throws {
        let database = try await TestDatabase.withHost()
        try database.use(engine: engine)
        let before = try await database.running()
        let number = try await database.store.recordFailedStart(
            .xterm(of: .alice), reason: "every host is full", errorID: "E2", steps: "[]")
        #expect(number > before)
        #expect(try database.sql("SELECT sessnum FROM session") == [["\(before)"]])
        #expect(try database.cell("SELECT COUNT(*) FROM sessionlog") == "0")
        let story = try #require(try await database.store.story(of: number))
        #expect(story.record.state == .failed)
        #expect(story.record.place == nil)
        #expect(story.record.reason == "every host is full")
        #expect(story.record.errorID == "E2")
        #expect(story.ended != nil)
        #expect(try await database.running() > number)
    }

    @Test("failed sessions are listed for a day")
    func listedForADay() async throws {
        let database = try await TestDatabase.withHost()
        let running = try await database.running()
        let failed = try await database.store.recordFailedStart(
            .xterm(of: .alice), reason: "x", errorID: nil, steps: "[]")
        #expect(try await database.store.sessions(of: .alice).map(\.number) == [running, failed])
        #expect(try await database.store.sessions(of: nil).map(\.number) == [running, failed])
        #expect(try await database.store.sessions(of: .bob).isEmpty)
        try database.sql("UPDATE mw_session SET ended = ended - INTERVAL 25 HOUR")
        #expect(try await database.store.sessions(of: .alice).map(\.number) == [running])
        #expect(try await database.store.sessions(of: nil).map(\.number) == [running])
    }

    @Test("starts that nobody finishes are found")
    func stuck() async throws {
        let database = try await TestDatabase.withHost()
        let stuck = try await database.begin()
        _ = try await database.begin()
        _ = try await database.running()
        try database.sql("UPDATE mw_session SET started = started - INTERVAL 10 MINUTE WHERE sessnum = \(stuck)")
        #expect(try await database.store.stuckStarts(olderThan: 120).map(\.number) == [stuck])
    }

    @Test("what ended long ago is forgotten, in batches, and nothing else is")
    func oldSessions() async throws {
        let database = try await TestDatabase.withHost()
        let running = try await database.running()
        try database.sql(
            """
            INSERT INTO mw_session (sessnum, state, owner, application, hostname, dispnum, geometry, timeout, started, ended)
            SELECT 1000 + seq, IF(seq % 2, 'ended', 'failed'), 'bob', 'xterm', 'node1', 1, '1024x768', 60,
              UTC_TIMESTAMP() - INTERVAL 100 DAY, UTC_TIMESTAMP() - INTERVAL IF(seq <= 2500, 91, 89) DAY
            FROM seq_1_to_2600;
            """)
        #expect(try await database.store.removeOldSessions(days: 90) == 2500)
        #expect(try await database.store.removeOldSessions(days: 90) == 0)
        #expect(try database.cell("SELECT COUNT(*) FROM mw_session") == "101")
        #expect(try await database.store.session(running)?.state == .running)
    }
}
