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
        let first = try #require(await turns.take(on: host, of: 1, within: .seconds(600)))
        #expect(!first.hasWaited)
        let arrivals = Arrivals()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<5 {
                group.addTask {
                    // More may be at work than before: those who wait come first.
                    let turn = try #require(await turns.take(on: host, of: 1 + number, within: .seconds(600)))
                    #expect(turn.hasWaited)
                    arrivals.came.withLock { $0.append(number) }
                    turn.end()
                }
                try await until(number + 1, wait: turns)
            }
            #expect(arrivals.came.withLock { $0.isEmpty })
            first.end()
            first.end()
            try await group.waitForAll()
        }
        #expect(arrivals.came.withLock { $0 } == [0, 1, 2, 3, 4])
        #expect(try #require(await turns.take(on: host, of: 1, within: .seconds(600))).hasWaited == false)
    }

    @Test("whoever has none in time gives up, from the middle of the line too, and nobody's turn is lost by it")
    func late() async throws {
        let turns = HostTurns()
        let first = try #require(await turns.take(on: host, of: 1, within: .seconds(600)))
        async let second = turns.take(on: host, of: 1, within: .seconds(600))
        try await until(1, wait: turns)
        #expect(await turns.take(on: host, of: 1, within: .milliseconds(10)) == nil)
        first.end()
        try #require(await second).end()
        try #require(await turns.take(on: host, of: 1, within: .seconds(600))).end()
        #expect(turns.waiting(on: host) == 0)
    }

    @Test("a turn that is not ended in its time is over")
    func long() async throws {
        let turns = HostTurns()
        let first = try #require(await turns.take(on: host, of: 1, within: .seconds(600)))
        let second = try #require(await turns.take(on: host, of: 1, within: .seconds(600)))
        #expect(second.hasWaited)
        // The first one's end is no second hand-over.
        first.end()
        async let third = turns.take(on: host, of: 1, within: .seconds(600))
        try await until(1, wait: turns)
        second.end()
        #expect(await third?.hasWaited == true)
    }

    @Test("each host has a line of its own")
    func lines() async throws {
        let turns = HostTurns()
        let one = try #require(await turns.take(on: host, of: 1, within: .seconds(600)))
        let other = try #require(await turns.take(on: HostName(known: "exec2"), of: 1, within: .seconds(600)))
        #expect(!one.hasWaited && !other.hasWaited && turns.waiting(on: host) == 0)
        one.end()
        other.end()
    }
}
