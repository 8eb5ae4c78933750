import SessionModel
import SessionStore
import Testing

/// Clocks of sessions in the tables, on a real server.
@Suite("Reaping in the tables") struct ReapingTests {
    private func fact(_ number: SessionNumber, in database: TestDatabase) async throws -> ReapingFact {
        try #require(try await database.store.reapingFacts().first { $0.number == number })
    }

    private func advance(
        _ database: TestDatabase, by seconds: Double, restarting: [SessionNumber] = [], still: [SessionNumber] = [],
        watched: [SessionNumber] = []
    ) async throws {
        try await database.store.advanceClocks(
            by: seconds, restarting: restarting, still: still)
        try await database.store.noteAccesses(watched: watched)
    }

    @Test(
        "a running session is told with its clocks, its portal's timeout and what observes it",
        arguments: ["InnoDB", "MyISAM"])
    func facts(engine: String) async throws {
        let database = try await TestDatabase.withHost()
        try database.use(engine: engine)
        let number = try await database.running()
        _ = try await database.begin(.bob)
        let first = try await fact(number, in: database)
        #expect(try await database.store.reapingFacts().map(\.number) == [number])
        #expect(first.owner == .alice && first.clocks == SessionClocks() && first.hasRow && !first.isNoticed)
        let timeout = first.sight.timeout
        #expect(first.sight.viewers == 0 && first.sight.jobs == 0 && timeout > 0)
        try database.sql("UPDATE session SET timeout = 1209600 WHERE sessnum = \(number)")
        try database.sql(
            "INSERT INTO job (sessnum, username, event, active) VALUES (\(number), 'alice', 'simulation', 1), (\(number), 'alice', 'simulation', 0)"
        )
        try database.sql("UPDATE mw_host SET away = 7, drain_in = 60")
        let second = try await fact(number, in: database)
        #expect(second.sight.timeout == 1_209_600 && second.sight.jobs == 1 && second.sight.hostAway == 7)
        // A drain counts while the host drains only: the portal may have set it up again.
        #expect(second.sight.drainIn == nil)
        try database.sql("UPDATE host SET status = 'drain'")
        #expect(try await fact(number, in: database).sight.drainIn == 60)
        try database.sql("UPDATE session SET timeout = 0 WHERE sessnum = \(number)")
        #expect(try await fact(number, in: database).sight.timeout == timeout)
        try database.sql("DELETE FROM session WHERE sessnum = \(number)")
        #expect(try await fact(number, in: database).hasRow == false)
    }

    @Test("rounds move every clock, begin those anew that they should, and leave those that stand still")
    func rounds() async throws {
        let database = try await TestDatabase.withHost()
        var numbers: [SessionNumber] = []
        for _ in 0..<3 { numbers.append(try await database.running()) }
        try await advance(database, by: 5)
        try await advance(database, by: 5, restarting: [numbers[0]], still: [numbers[1]])
        #expect(try await database.store.reapingFacts().map(\.clocks.unobserved) == [0, 5, 10])
        #expect(try await database.store.reapingFacts().map(\.clocks.lived) == [10, 10, 10])
    }

    @Test("an access that the portal notes is seen once, one of long ago that it writes back never")
    func touches() async throws {
        let database = try await TestDatabase.withHost()
        let number = try await database.running()
        #expect(try await fact(number, in: database).sight.wasTouched)
        try await advance(database, by: 5, watched: [number])
        #expect(try await fact(number, in: database).sight.wasTouched == false)
        try database.sql("UPDATE session SET accesstime = accesstime - INTERVAL 1 DAY WHERE sessnum = \(number)")
        #expect(try await fact(number, in: database).sight.wasTouched == false)
        try database.sql("UPDATE session SET accesstime = NOW() + INTERVAL 2 SECOND WHERE sessnum = \(number)")
        #expect(try await fact(number, in: database).sight.wasTouched)
        try await advance(database, by: 5)
        #expect(try await fact(number, in: database).sight.wasTouched == false)
    }

    @Test("a session that somebody watches, or is about to, is not reaped as unobserved")
    func race() async throws {
        let database = try await TestDatabase.withHost()
        let number = try await database.running()
        let view = try #require(
            try await database.store.reserveView(
                session: number, user: .alice, mode: .act, kind: .view, address: "", relay: "one"))
        #expect(try await database.store.beginReap(number, reason: "x", despiteViewers: false) == nil)
        try await database.store.closeView(
            ViewClosing(
                view: view, began: nil, clock: "boot", age: nil, seconds: 0, toViewer: 0, fromViewer: 0, cause: ""))
        #expect(try await database.store.beginReap(number, reason: "x", despiteViewers: false)?.number == number)
        #expect(try await database.store.beginReap(number, reason: "x", despiteViewers: true) == nil)
    }

    @Test("stops, extensions and drains are kept with the session, and only while it runs")
    func orders() async throws {
        let database = try await TestDatabase.withHost()
        let number = try await database.running()
        try await advance(database, by: 100)
        #expect(try await database.store.stopLater(number, in: 300))
        try await database.store.noteNotice(number)
        #expect(try await fact(number, in: database).isNoticed)
        #expect(try await database.store.extend(number, by: 600, whatever: false))
        var clocks = try await fact(number, in: database).clocks
        #expect(clocks == SessionClocks(unobserved: 0, lived: 100, kept: 600, keptAge: 0, stopsIn: 300))
        #expect(try await database.store.extend(number, by: 900, whatever: true))
        clocks = try await fact(number, in: database).clocks
        #expect(clocks == SessionClocks(unobserved: 0, lived: 100, kept: 900, keptAge: 900, stopsIn: 900))
        #expect(try await fact(number, in: database).isNoticed == false)
        try await advance(database, by: 1000)
        clocks = try await fact(number, in: database).clocks
        #expect(clocks == SessionClocks(unobserved: 1000, lived: 1100, kept: 0, keptAge: 0, stopsIn: 0))
        try await database.store.setDrain(of: .node1, in: 60)
        try await advance(database, by: 45)
        #expect(try database.cell("SELECT drain_in FROM mw_host") == "15")
        try await database.store.setDrain(of: .node1, in: nil)
        #expect(try database.cell("SELECT drain_in IS NULL FROM mw_host") == "1")
        _ = try await database.store.beginEnd(number, reason: "x")
        #expect(try await database.store.stopLater(number, in: 5) == false)
        #expect(try await database.store.extend(number, by: 5, whatever: true) == false)
    }

    @Test("a host is away for as long as nobody hears it")
    func away() async throws {
        let database = try await TestDatabase.withHost()
        _ = try await database.running()
        try await advance(database, by: 20)
        try await advance(database, by: 20)
        #expect(try database.cell("SELECT away FROM mw_host") == "40")
        try await database.store.noteHeard([.node1])
        #expect(try database.cell("SELECT away FROM mw_host") == "0")
    }

    @Test("ends whose host is lost are found once their accounts are written")
    func lostEnds() async throws {
        let database = try await TestDatabase.withHost()
        let number = try await database.running()
        _ = try await database.store.beginEnd(number, reason: "x")
        try database.sql("UPDATE mw_host SET away = 100")
        #expect(try await database.store.lostEnds(after: 50).isEmpty)
        try await database.store.finishEnd(
            number, accounts: SessionAccounts(wall: 1, cpu: 1, status: 0), failedStart: false)
        #expect(try await database.store.lostEnds(after: 101).isEmpty)
        #expect(try await database.store.lostEnds(after: 100) == [number])
    }

    @Test("a thousand sessions' clocks move in a handful of statements")
    func statements() async throws {
        let database = try await TestDatabase.withHost()
        try database.sql(
            """
            INSERT INTO mw_session (sessnum, state, owner, application, hostname, dispnum, geometry, timeout, started)
            SELECT seq, 'running', 'alice', 'xterm', 'node1', seq, '800x600', 60, UTC_TIMESTAMP(3) FROM seq_1_to_1000;
            INSERT INTO session (sessnum, username, accesstime) SELECT seq, 'alice', NOW() FROM seq_1_to_1000
            """)
        let all = (1...1000).map { SessionNumber(UInt64($0)) }
        let before = database.store.counters()["statements", default: 0]
        try await advance(database, by: 5, restarting: all, watched: all)
        #expect(database.store.counters()["statements", default: 0] - before < 60)
        #expect(try database.cell("SELECT COUNT(*) FROM mw_session WHERE unobserved = 0 AND lived = 5") == "1000")
        #expect(try database.cell("SELECT COUNT(*) FROM mw_session WHERE accessed IS NULL") == "0")
    }
}
