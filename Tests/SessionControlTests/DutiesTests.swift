import SessionStore
import TestServers
import Testing

@testable import SessionControl

/// Several controllers on one real database.
@Suite("Duties among controllers") struct DutiesTests {
    private let server: MariaDBServer
    private let name: String

    init() async throws {
        server = try MariaDBServer.shared.get()
        name = try server.makeDatabase()
        _ = try await database().migrate()
    }

    private func database() -> Database {
        Database(DatabaseAddress(socket: server.socket, name: name, user: server.user, connections: 1))
    }

    private func controller(patience: Duration = .seconds(600)) -> Duties {
        Duties(database(), patience: patience)
    }

    private func isOurs(_ turn: Duties.Turn) -> Bool { if case .notOurs = turn { false } else { true } }

    @Test("of many who ask at once, one has the duty, and keeps it")
    func one() async throws {
        let all = (0..<8).map { _ in controller() }
        for _ in 0..<3 {
            var holders: [Int] = []
            try await withThrowingTaskGroup(of: (Int, Bool).self) { group in
                for (index, duties) in all.enumerated() {
                    group.addTask { (index, isOurs(try await duties.turn("x"))) }
                }
                for try await (index, has) in group where has { holders.append(index) }
            }
            #expect(holders.count == 1)
        }
        var rounds: [Int] = []
        for (index, duties) in all.enumerated() where isOurs(try await duties.turn("x")) { rounds.append(index) }
        #expect(rounds.count == 1)
    }

    @Test("one that dies is taken over when its rounds stand still, as neglected")
    func takenOver() async throws {
        let dead = controller()
        let other = controller(patience: .milliseconds(200))
        #expect(isOurs(try await dead.turn("x")))
        #expect(!isOurs(try await other.turn("x")))
        try server.sql("UPDATE mw_duty SET round = round + 1", in: name)
        try await Task.sleep(for: .milliseconds(250))
        // It went round meanwhile: the wait begins again.
        #expect(!isOurs(try await other.turn("x")))
        try await Task.sleep(for: .milliseconds(250))
        guard case .begins(wasNeglected: true) = try await other.turn("x") else {
            Issue.record("not taken over as neglected")
            return
        }
        // The one that was taken for dead finds out.
        #expect(!isOurs(try await dead.turn("x")))
    }

    @Test("one that was put down is taken up at once, and was not neglected unless it rested for long")
    func putDown() async throws {
        let first = controller()
        let second = controller()
        #expect(isOurs(try await first.turn("x")))
        try await first.putDown()
        guard case .begins(wasNeglected: false) = try await second.turn("x") else {
            Issue.record("not taken up as rested")
            return
        }
        try await second.putDown()
        try server.sql("UPDATE mw_duty SET rested = rested - INTERVAL 10 MINUTE", in: name)
        guard case .begins(wasNeglected: true) = try await first.turn("x") else {
            Issue.record("a long rest was not told")
            return
        }
    }

    @Test("a jump of the database's clock takes a duty from nobody")
    func clockJumps() async throws {
        let holder = controller()
        let other = controller()
        #expect(isOurs(try await holder.turn("x")))
        try server.sql("UPDATE mw_duty SET rested = UTC_TIMESTAMP() - INTERVAL 10 YEAR", in: name)
        #expect(!isOurs(try await other.turn("x")))
        #expect(isOurs(try await holder.turn("x")))
    }
}
