import SessionModel
import Testing

@testable import SessionStore

@Suite("random histories of sessions and views")
struct LifeHistoryTests {
    @Test(
        "whatever happens, every opened view is logged once, and the accounts agree with the views", arguments: engines,
        [1, 2, 3])
    func histories(engine: String, seed: UInt64) async throws {
        let database = try await TestDatabase.withHost()
        try database.use(engine: engine)
        var history = LifeHistory(database: database, seed: seed, losesWrites: engine == "MyISAM")
        for _ in 0..<300 { try await history.step() }
        try await history.finish()
        try await history.check()
    }
}

/// Sessions with views, one relay and what may happen to them. Beside the tables it keeps what every view must come to.
private struct LifeHistory {
    /// What a relay is to a view: it sees it, it told its end to a controller whose database was away, or neither.
    private enum Told { case live, inJournal, gone }

    private struct View {
        var number: UInt64
        var session: SessionNumber
        var began: Double
        var life: Int
        var relay = Told.live
        /// What the relay knows to be proven.
        var proven = 0.0
        /// What the tables know to be proven.
        var kept = 0.0
        /// Whether the tables know that it was opened, and that it has ended.
        var isOpened = false
        var isClosed = false

        /// The tables hear of its end.
        mutating func close(proven seconds: Double? = nil) {
            guard !isClosed else { return }
            if let seconds { kept = max(kept, seconds) }
            isOpened = isOpened || seconds != nil
            isClosed = isOpened
        }
    }

    private let database: TestDatabase
    private let losesWrites: Bool
    private var random: SeededGenerator
    private var now = 1000.0
    private var life = 1
    private var sessions: [SessionNumber] = []
    private var ended: [SessionNumber] = []
    private var views: [View] = []

    init(database: TestDatabase, seed: UInt64, losesWrites: Bool) {
        self.database = database
        self.losesWrites = losesWrites
        random = SeededGenerator(seed: seed)
    }

    private var store: Database { database.store }
    private var live: [Int] { views.indices.filter { views[$0].relay == .live } }

    mutating func step() async throws {
        now += Double(Int.random(in: 0...40, using: &random)) / 8
        switch Int.random(in: 0..<100, using: &random) {
        case ..<8: if sessions.count < 4 { sessions.append(try await database.running()) }
        case ..<34: try await reserve()
        case ..<44: try await open()
        case ..<60: try await beat()
        case ..<78:
            prove()
            if let index = live.randomElement(using: &random) { try await end(index) }
        case ..<82: try await restartRelay()
        case ..<86: if let session = sessions.randomElement(using: &random) { try await end(session) }
        case ..<90: _ = try await store.logEndedViews()
        case ..<94: try jumpWallTime()
        case ..<97: try await tellJournal()
        default: try await loseWrites()
        }
    }

    private mutating func reserve() async throws {
        guard let session = sessions.randomElement(using: &random) else { return }
        let number = try await database.reserve(session, relay: "life-\(life)")
        if Int.random(in: 0..<8, using: &random) == 0 {
            try await store.closeView(.end(number, began: nil, age: nil, seconds: 0))
        } else {
            views.append(View(number: number, session: session, began: now, life: life))
        }
    }

    private mutating func open() async throws {
        guard let index = live.randomElement(using: &random) else { return }
        let view = views[index]
        for _ in 0..<Int.random(in: 1...2, using: &random) {
            let isOpen = try await store.openView(
                view.number, began: view.began, clock: "boot-1", age: now - view.began)
            #expect(isOpen == !view.isClosed)
        }
        views[index].isOpened = true
    }

    private mutating func prove() {
        for index in live where Bool.random(using: &random) { views[index].proven = now - views[index].began }
    }

    private mutating func beat() async throws {
        prove()
        // Some ends are never told: a whole list tells them.
        if Bool.random(using: &random), let lost = live.randomElement(using: &random) { views[lost].relay = .gone }
        let isWhole = Bool.random(using: &random)
        let listed = live.shuffled(using: &random)
        let cut = try await store.beatViews(
            relay: "r", instance: "life-\(life)", clock: "boot-1", at: isWhole ? now + 0.001 : nil,
            listed.map {
                ViewProof(
                    view: views[$0].number, began: views[$0].began, seconds: views[$0].proven,
                    age: now - views[$0].began)
            })
        #expect(Set(cut) == Set(listed.filter { ended.contains(views[$0].session) }.map { views[$0].number }))
        for index in listed where !views[index].isClosed {
            views[index].isOpened = true
            views[index].kept = max(views[index].kept, views[index].proven)
        }
        if isWhole {
            for index in views.indices where views[index].life == life && !listed.contains(index) {
                views[index].close()
            }
        }
        for index in listed where cut.contains(views[index].number) { try await end(index) }
    }

    /// Tells the end of a view: at once, twice, with a crash between its two steps, or when the database is back.
    private mutating func end(_ index: Int) async throws {
        let end = closing(of: views[index])
        views[index].relay = .gone
        switch Int.random(in: 0..<6, using: &random) {
        case 0:
            try await store.run { connection throws(StoreError) in
                try Database.fix([.init(view: end.view, told: end)], connection)
            }
        case 1: for _ in 0..<2 { try await store.closeView(end) }
        case 2:
            views[index].relay = .inJournal
            return
        default: try await store.closeView(end)
        }
        views[index].close(proven: end.seconds)
    }

    private func closing(of view: View) -> ViewClosing {
        .end(view.number, began: view.began, age: now - view.began, seconds: view.proven)
    }

    private mutating func tellJournal() async throws {
        for index in views.indices.shuffled(using: &random) where views[index].relay == .inJournal {
            try await store.closeView(closing(of: views[index]))
            views[index].relay = .gone
            views[index].close(proven: views[index].proven)
        }
    }

    private mutating func restartRelay() async throws {
        for index in live { views[index].relay = .gone }
        life += 1
        _ = try await store.beatViews(relay: "r", instance: "life-\(life)", clock: "boot-1", at: now, [])
        // A life that was never heard.
        for relay in try await store.relays() where relay.name.isEmpty {
            _ = try await store.closeViews(ofRelay: relay.instance)
        }
        for index in views.indices { views[index].close() }
    }

    private mutating func end(_ session: SessionNumber) async throws {
        let wall = Double(Int.random(in: 0...5000, using: &random))
        _ = try await store.beginEnd(session, reason: "stopped")
        for accounts in [SessionAccounts(wall: wall, cpu: 1, status: 0), .some].prefix(
            .random(in: 1...2, using: &random))
        {
            try await store.finishEnd(session, accounts: accounts, failedStart: false)
        }
        sessions.removeAll { $0 == session }
        ended.append(session)
        for index in views.indices where views[index].session == session { views[index].close() }
        try checkAccount(of: session, wall: wall)
        if Bool.random(using: &random) { try await store.closeEnd(session, final: nil) }
    }

    /// Openings lie elsewhere in wall time.
    private mutating func jumpWallTime() throws {
        let seconds = Int.random(in: -3600...3600, using: &random)
        try database.sql(
            """
            UPDATE mw_view SET opened = opened + INTERVAL \(seconds) SECOND
            WHERE duration IS NULL AND viewid % 3 = \(Int.random(in: 0..<3, using: &random))
            """)
    }

    /// Rows that MyISAM tables lose while their sessions live; those of `viewlog` are found out at the session's end.
    private func loseWrites() async throws {
        if losesWrites, let session = sessions.first {
            try database.sql("DELETE FROM viewlog WHERE sessnum = \(session) LIMIT 1; DELETE FROM view LIMIT 1")
        }
        _ = try await store.removeStaleReservations()
    }

    /// `sessionlog` agrees with the views that were known when the session was moved.
    private func checkAccount(of session: SessionNumber, wall: Double) throws {
        let known = views.filter { $0.session == session && $0.isClosed }
        let watched = ViewLedger.watched(
            known.map { ViewInterval(clock: "boot-1", began: $0.began, opened: 0, seconds: $0.kept) })
        let row = try #require(
            try database.sql("SELECT walltime, viewtime FROM sessionlog WHERE sessnum = \(session)").first)
        let walltime = try #require(Double(row[0]))
        let viewtime = try #require(Double(row[1]))
        #expect(abs(viewtime - watched) < 0.001)
        #expect(viewtime <= walltime)
        #expect(abs(walltime - max(wall, watched)) < 0.001)
        let logged = try #require(
            try database.sql("SELECT COUNT(*), COALESCE(SUM(duration), 0) FROM viewlog WHERE sessnum = \(session)")
                .first)
        #expect(logged[0] == "\(known.count)")
        #expect(viewtime <= (Double(logged[1]) ?? -1) + 0.01)
    }

    mutating func finish() async throws {
        for index in live { try await end(index) }
        try await tellJournal()
        _ = try await store.beatViews(relay: "r", instance: "life-\(life)", clock: "boot-1", at: now + 1, [])
        for index in views.indices { views[index].close() }
        _ = try await store.logEndedViews()
        for session in sessions { try await end(session) }
        for session in ended { try await store.closeEnd(session, final: nil) }
    }

    func check() async throws {
        // Of a relay that died before it told of an opening, the reservation is left.
        try database.sql("UPDATE mw_view SET reserved = reserved - INTERVAL 1 HOUR")
        _ = try await store.removeStaleReservations()
        for table in ["mw_view", "view", "session", "viewperm", "job"] {
            #expect(try database.cell("SELECT COUNT(*) FROM `\(table)`") == "0", "\(table)")
        }
        #expect(views.allSatisfy { $0.isOpened == $0.isClosed })
        for session in ended {
            let expected = views.filter { $0.session == session && $0.isOpened }.map(\.kept).sorted()
            let logged = try database.sql(
                "SELECT duration FROM viewlog WHERE sessnum = \(session) ORDER BY duration"
            ).compactMap { Double($0[0]) }
            #expect(expected.count == logged.count)
            for (one, other) in zip(expected, logged) { #expect(abs(one - other) < 0.01) }
            let viewings = try await store.viewings(of: session)
            #expect(viewings.map(\.views).reduce(0, +) == expected.count)
            #expect(abs(viewings.map(\.seconds).reduce(0, +) - expected.reduce(0, +)) < 0.001)
            #expect(try await store.session(session)?.state == .ended)
        }
        #expect(try database.cell("SELECT COUNT(*) FROM sessionlog") == "\(ended.count)")
        #expect(!ended.isEmpty && views.count > 30)
    }
}
