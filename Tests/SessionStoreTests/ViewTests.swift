import SessionModel
import Testing

@testable import SessionStore

@Suite("views")
struct ViewTests {
    @Test("a view is there while it lives, and in the log with its length afterwards")
    func life() async throws {
        let database = try await TestDatabase.withHost()
        let session = try await database.running()
        let view = try await open(session, in: database)
        #expect(
            try database.sql("SELECT viewid, sessnum, username, remoteip FROM view")
                == [["\(view)", "\(session)", "alice", "10.2.3.4"]])
        #expect(try await database.store.session(session)?.viewers == 1)
        for _ in 0..<2 { try await database.store.closeView(view, seconds: 7.5) }
        #expect(try database.cell("SELECT COUNT(*) FROM view") == "0")
        #expect(
            try database.sql("SELECT sessnum, username, remoteip, duration FROM viewlog")
                == [["\(session)", "alice", "10.2.3.4", "7.5"]])
        #expect(try await database.store.session(session)?.viewers == 0)
    }

    @Test("a beat is refused once the row, the permission or the session is gone, or the permission another")
    func beats() async throws {
        let database = try await TestDatabase.withHost()
        let session = try await database.running()
        try database.share(session, with: "bob", token: "0123456789abcdef0123456789abcdef", readOnly: false)
        let alice = try await open(session, in: database)
        let bob = try await open(session, of: .bob, kind: .portal, in: database)
        let watching = try await open(session, of: .bob, mode: .watch, in: database)
        let all = [(view: alice, age: 0), (view: bob, age: 1), (view: watching, age: 2), (view: 9999, age: 0)]
        #expect(try await database.store.beatViews(all) == [9999])
        try database.sql("UPDATE viewperm SET readonly = 'Yes' WHERE viewuser = 'bob'")
        #expect(try await database.store.beatViews(all) == [bob, 9999])
        try database.sql("DELETE FROM viewperm WHERE viewuser = 'bob'")
        #expect(try await database.store.beatViews(all) == [bob, watching, 9999])
        _ = try await database.store.beginEnd(session, reason: "stopped")
        #expect(try await database.store.beatViews(all) == all.map(\.view))
    }

    @Test("many beats at once are one answer")
    func manyBeats() async throws {
        let database = try await TestDatabase.withHost()
        let session = try await database.running()
        let view = try await open(session, in: database)
        let beats = (0..<1000).map { (view: view + UInt64($0), age: $0 % 11) }
        #expect(try await database.store.beatViews(beats) == beats.dropFirst().map(\.view))
    }

    @Test("views whose relay fell silent end at their last proof of life")
    func silent() async throws {
        let database = try await TestDatabase.withHost()
        let session = try await database.running()
        let gone = try await open(session, in: database)
        let alive = try await open(session, in: database)
        try database.sql(
            """
            UPDATE mw_view SET opened = UTC_TIMESTAMP() - INTERVAL 100 SECOND,
              heartbeat = UTC_TIMESTAMP() - INTERVAL 60 SECOND WHERE viewid = \(gone)
            """)
        #expect(try await database.store.closeAllViews(silentFor: 45) == [gone])
        #expect(try database.sql("SELECT duration FROM viewlog") == [["40"]])
        #expect(try database.sql("SELECT viewid FROM view") == [["\(alive)"]])
    }

    @Test("a session's viewing time is the union of its views")
    func viewTime() async throws {
        let database = try await TestDatabase.withHost()
        let session = try await database.running()
        // 0–20, 10–30 and 50–60 seconds into the session.
        for (start, length) in [(0, 20), (10, 20), (50, 10)] {
            let view = try await open(session, in: database)
            try database.sql(
                "UPDATE mw_view SET opened = '2026-01-01 00:00:00' + INTERVAL \(start) SECOND WHERE viewid = \(view)")
            try await database.store.closeView(view, seconds: Double(length))
        }
        _ = try await database.store.beginEnd(session, reason: "stopped")
        try await database.store.finishEnd(session, accounts: .some, failedStart: false)
        #expect(try database.sql("SELECT viewtime FROM sessionlog") == [["40"]])
    }

    @Test("a view that is open at its session's end is logged")
    func openAtTheEnd() async throws {
        let database = try await TestDatabase.withHost()
        let session = try await database.running()
        let view = try await open(session, in: database)
        try database.sql("UPDATE mw_view SET opened = UTC_TIMESTAMP() - INTERVAL 30 SECOND")
        _ = try await database.store.beginEnd(session, reason: "stopped")
        try await database.store.finishEnd(session, accounts: .some, failedStart: false)
        #expect(try database.cell("SELECT duration BETWEEN 29 AND 60 FROM viewlog") == "1")
        try await database.store.closeView(view, seconds: 31)
        #expect(try database.cell("SELECT COUNT(*) FROM viewlog") == "1")
    }

    @Test("the union of intervals counts every second once")
    func union() {
        #expect(unionLength([]) == 0)
        #expect(unionLength([(0, 10), (2, 3), (10, 5), (20, 1), (19, -4)]) == 16)
    }

    private func open(
        _ session: SessionNumber, of user: UserName = .alice, mode: ViewMode = .act, kind: TokenKind = .view,
        in database: TestDatabase
    ) async throws -> UInt64 {
        try await database.store.openView(
            session: session, user: user, mode: mode, kind: kind, address: "10.2.3.4", relay: "relay-1")
    }
}
