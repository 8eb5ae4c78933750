import SessionModel
import Testing

@testable import SessionStore

@Suite("views")
struct ViewTests {
    @Test("a view is the portal's while it lives, and in the log with its length afterwards", arguments: engines)
    func life(engine: String) async throws {
        let database = try await TestDatabase.withHost()
        try database.use(engine: engine)
        let session = try await database.running()
        try database.sql("UPDATE session SET accesstime = NOW() - INTERVAL 1 HOUR")
        let view = try await database.reserve(session)
        #expect(try database.cell("SELECT COUNT(*) FROM view") == "0")
        #expect(try await database.store.session(session)?.viewers == 0)
        #expect(try database.cell(isTouched) == "0")

        for _ in 0..<2 {
            #expect(try await database.store.openView(view, began: 100, clock: "boot-1", age: 30))
        }
        #expect(
            try database.sql("SELECT sessnum, username, remoteip FROM view") == [["\(session)", "alice", "10.2.3.4"]])
        #expect(
            try database.cell("SELECT TIMESTAMPDIFF(SECOND, start, NOW()) BETWEEN 29 AND 1030 FROM view") == "1")
        #expect(try database.cell(isTouched) == "1")
        #expect(try await database.store.session(session)?.viewers == 1)
        #expect(try database.openViews(of: session) == 1)
        let start = try database.cell("SELECT start FROM view")

        try database.sql("UPDATE session SET accesstime = NOW() - INTERVAL 1 HOUR")
        for seconds in [7.5, 9] { try await database.store.closeView(.end(view, age: 40, seconds: seconds)) }
        #expect(try database.cell("SELECT COUNT(*) FROM view") == "0")
        #expect(
            try database.sql("SELECT sessnum, username, remoteip, remotehost, time, duration FROM viewlog")
                == [["\(session)", "alice", "10.2.3.4", "", try #require(start), "7.5"]])
        #expect(try database.cell(isTouched) == "1")
        #expect(try await database.store.session(session)?.viewers == 0)
        #expect(try database.openViews(of: session) == 0)
        #expect(
            try await database.store.viewings(of: session) == [
                ViewingRecord(user: .alice, views: 1, seconds: 7.5, toViewer: 7, fromViewer: 3)
            ])
        #expect(
            try database.sql("SELECT cause, logged, to_viewer FROM mw_view") == [["viewer left", "1", "7"]])
        #expect(try await !database.store.openView(view, began: 100, clock: "boot-1", age: 30))
        #expect(try await !database.store.openView(view + 1, began: 100, clock: "boot-1", age: 30))
        #expect(try database.cell("SELECT COUNT(*) FROM view") == "0")
    }

    @Test("a view that its viewer never saw leaves nothing", arguments: engines)
    func neverSeen(engine: String) async throws {
        let database = try await TestDatabase.withHost()
        try database.use(engine: engine)
        let session = try await database.running()
        let view = try await database.reserve(session)
        for _ in 0..<2 { try await database.store.closeView(.end(view, began: nil, age: nil, seconds: 0)) }
        for table in ["mw_view", "view", "viewlog", "mw_viewing"] {
            #expect(try database.cell("SELECT COUNT(*) FROM `\(table)`") == "0", "\(table)")
        }
        #expect(try await database.reserve(session) > view)
    }

    @Test("an end that comes before the beginning is logged, and the beginning adds nothing", arguments: engines)
    func closedFirst(engine: String) async throws {
        let database = try await TestDatabase.withHost()
        try database.use(engine: engine)
        let session = try await database.running()
        let view = try await database.reserve(session)
        try await database.store.closeView(.end(view, age: 60, seconds: 20))
        #expect(try await !database.store.openView(view, began: 100, clock: "boot-1", age: 61))
        #expect(
            try database.sql("SELECT TIMESTAMPDIFF(SECOND, time, NOW()) BETWEEN 59 AND 1060, duration FROM viewlog")
                == [["1", "20"]])
        #expect(try database.cell("SELECT COUNT(*) FROM view") == "0")
    }

    @Test("of a view that was measured before its machine booted again the end is kept with its length")
    func otherBoot() async throws {
        let database = try await TestDatabase.withHost()
        let session = try await database.running()
        let view = try await database.reserve(session)
        try database.sql("UPDATE mw_view SET reserved = reserved - INTERVAL 5 MINUTE")
        try await database.store.closeView(.end(view, age: nil, seconds: 20))
        #expect(
            try database.sql("SELECT TIMESTAMPDIFF(SECOND, time, NOW()) BETWEEN 299 AND 1300, duration FROM viewlog")
                == [["1", "20"]])
    }

    @Test("no length is told that cannot be: it is a number, not negative, and not longer than since its beginning")
    func impossible() async throws {
        let database = try await TestDatabase.withHost()
        let session = try await database.running()
        for (seconds, age) in [(Double.nan, 1.0), (-5, 1), (.infinity, 1), (50, 2), (3, -.infinity)] {
            let view = try await database.open(session, began: .nan, age: .nan)
            try await database.store.closeView(.end(view, age: age, seconds: seconds))
        }
        #expect(
            try database.sql("SELECT ROUND(duration, 3) FROM viewlog ORDER BY 1")
                == [["0.000"], ["0.000"], ["0.000"], ["0.000"], ["2.000"]])
    }

    @Test("views of one person that began in one second and lasted as long are all logged", arguments: engines)
    func alike(engine: String) async throws {
        let database = try await TestDatabase.withHost()
        try database.use(engine: engine)
        let session = try await database.running()
        var views: [UInt64] = []
        for _ in 0..<4 { views.append(try await database.open(session)) }
        try database.sql("UPDATE mw_view SET opened = '2026-06-01 12:00:00'")
        for view in views.dropLast() { try await database.store.closeView(.end(view, seconds: 30000)) }
        try await database.end(session, SessionAccounts(wall: 40000, cpu: 0, status: 0))
        #expect(try database.cell("SELECT COUNT(*) FROM viewlog") == "4")
        #expect(
            try database.cell("SELECT MAX(duration) - MIN(duration) < 0.01 FROM viewlog WHERE duration > 0") == "1")
        #expect(try await database.store.viewings(of: session).map(\.views) == [4])
    }

    @Test("the views of a relay that is gone end at what is proven")
    func relayGone() async throws {
        let database = try await TestDatabase.withHost()
        let session = try await database.running()
        let gone = try await database.open(session, age: 100)
        let reserved = try await database.reserve(session)
        let other = try await database.open(session, relay: "relay-2", age: 100)
        #expect(try await database.beat([gone], seconds: 40, age: 100).isEmpty)
        #expect(try await database.store.closeViews(ofRelay: "relay-1") == [gone])
        #expect(try await database.store.closeViews(ofRelay: "relay-1").isEmpty)
        #expect(try database.sql("SELECT duration FROM viewlog") == [["40"]])
        #expect(try database.cell("SELECT COUNT(*) FROM view") == "1")
        #expect(
            try database.sql("SELECT viewid FROM mw_view WHERE duration IS NULL") == [["\(reserved)"], ["\(other)"]])
    }

    @Test("a session's viewing time is the time in which anybody watched, by the clock that measured the views")
    func viewTime() async throws {
        let database = try await TestDatabase.withHost()
        let session = try await database.running()
        // 0–20, 10–30 and 50–60 seconds by the relay; wall time jumped between them.
        for (start, length, jump) in [(0.0, 20.0, 0), (10, 20, 3600), (50, 10, -7200)] {
            let view = try await database.open(session, began: 100 + start)
            try database.sql("UPDATE mw_view SET opened = opened + INTERVAL \(jump) SECOND WHERE viewid = \(view)")
            try await database.store.closeView(.end(view, seconds: length))
        }
        let intervals = try await database.store.viewIntervals(of: [session, SessionNumber(999)])
        #expect(intervals.keys.map { $0 } == [session])
        #expect(intervals[session]?.map(\.began) == [100, 110, 150])
        #expect(ViewLedger.watched(intervals[session] ?? []) == 40)
        try await database.end(session, SessionAccounts(wall: 100, cpu: 1, status: 0))
        #expect(try database.sql("SELECT walltime, viewtime FROM sessionlog") == [["100", "40"]])
        #expect(try await database.store.viewIntervals(of: [session]).isEmpty)
    }

    @Test("views that are open count with what is proven of them, for many sessions at once")
    func intervals() async throws {
        let database = try await TestDatabase.withHost()
        var sessions: [SessionNumber] = []
        for _ in 0..<3 { sessions.append(try await database.running()) }
        let first = try await database.open(sessions[0], age: 50)
        let second = try await database.open(sessions[2], age: 50)
        _ = try await database.reserve(sessions[1])
        _ = try await database.beat([first, second], seconds: 12.25, age: 50)
        let many = sessions + (1000..<1400).map { SessionNumber(UInt64($0)) }
        let intervals = try await database.store.viewIntervals(of: many)
        #expect(Set(intervals.keys) == [sessions[0], sessions[2]])
        #expect(intervals.values.flatMap { $0 }.map(\.seconds) == [12.25, 12.25])
        #expect(try await database.store.viewIntervals(of: []).isEmpty)
    }

    @Test("reservations that nobody opens are forgotten, and views are not")
    func stale() async throws {
        let database = try await TestDatabase.withHost()
        let session = try await database.running()
        _ = try await database.reserve(session)
        let open = try await database.open(session)
        let closed = try await database.open(session)
        try await database.store.closeView(.end(closed, seconds: 1))
        try database.sql("UPDATE mw_view SET reserved = reserved - INTERVAL 11 MINUTE")
        let new = try await database.reserve(session)
        #expect(try await database.store.removeStaleReservations() == 1)
        #expect(try await database.store.removeStaleReservations() == 0)
        #expect(
            try database.sql("SELECT viewid FROM mw_view ORDER BY viewid") == [open, closed, new].map { ["\($0)"] })
    }

    private let isTouched = "SELECT accesstime > NOW() - INTERVAL 30 MINUTE FROM session"
}
