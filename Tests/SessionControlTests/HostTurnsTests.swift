import SessionModel
import Synchronization
import Testing

@testable import SessionControl

@Suite("Turns of starts on a host") struct HostTurnsTests {
    private let host = HostName(known: "exec1")

    private final class Arrivals: Sendable {
        let came = Mutex<[Int]>([])
    }

    /// Waits until so many wait there.
    private func until(_ count: Int, wait turns: HostTurns) async throws {
        while turns.waiting(on: host) != count { try await Task.sleep(for: .milliseconds(2)) }
    }

    @Test("so many are at work at a time, the others follow in the order in which they came")
    func order() async throws {
        let turns = HostTurns()
        for _ in 0..<2 { #expect(await turns.take(on: host, of: 2, within: .seconds(600)) == .atOnce) }
        let arrivals = Arrivals()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<5 {
                group.addTask {
                    #expect(await turns.take(on: host, of: 2, within: .seconds(600)) == .later)
                    arrivals.came.withLock { $0.append(number) }
                    turns.end(on: host)
                }
                try await until(number + 1, wait: turns)
            }
            #expect(arrivals.came.withLock { $0.isEmpty })
            turns.end(on: host)
            try await group.waitForAll()
        }
        #expect(arrivals.came.withLock { $0 } == [0, 1, 2, 3, 4])
        turns.end(on: host)
        #expect(await turns.take(on: host, of: 1, within: .seconds(600)) == .atOnce)
    }

    @Test("whoever has none in time gives up, and nobody's turn is lost by it")
    func late() async throws {
        let turns = HostTurns()
        #expect(await turns.take(on: host, of: 1, within: .seconds(600)) == .atOnce)
        #expect(await turns.take(on: host, of: 1, within: .milliseconds(10)) == .notInTime)
        async let later = turns.take(on: host, of: 1, within: .seconds(600))
        try await until(1, wait: turns)
        turns.end(on: host)
        #expect(await later == .later)
        turns.end(on: host)
        #expect(await turns.take(on: host, of: 1, within: .seconds(600)) == .atOnce)
    }

    @Test("each host has a line of its own")
    func lines() async throws {
        let turns = HostTurns()
        #expect(await turns.take(on: host, of: 1, within: .seconds(600)) == .atOnce)
        #expect(await turns.take(on: HostName(known: "exec2"), of: 1, within: .seconds(600)) == .atOnce)
        #expect(turns.waiting(on: host) == 0)
    }
}
