import SessionModel
import Synchronization

/// Turns of starts on the hosts: on each so many are at work at a time, and the others wait in the order in which they came.
/// A hundred that share a host's processors are all ready at the end, and past some number none in time; one after the other,
/// half of them are ready in half of that time.
final class HostTurns: Sendable {
    /// How a turn came.
    enum Coming { case atOnce, later, notInTime }

    private struct Line {
        var busy = 0
        /// Those who wait, first come first.
        var waiting: [(number: UInt64, turn: CheckedContinuation<Coming, Never>)] = []
    }

    private struct State {
        var lines: [HostName: Line] = [:]
        var last: UInt64 = 0
    }

    private let state = Mutex(State())

    /// Waits for a turn on `host`, where `most` may be at work at a time, for `patience` at most. Whoever has one calls
    /// ``end(on:)`` when it is over.
    func take(on host: HostName, of most: Int, within patience: Duration) async -> Coming {
        var alarm: Task<Void, Never>?
        defer { alarm?.cancel() }
        return await withCheckedContinuation { turn in
            let number = state.withLock { state -> UInt64? in
                var line = state.lines[host] ?? Line()
                defer { state.lines[host] = line }
                guard line.busy >= most else {
                    line.busy += 1
                    return nil
                }
                state.last += 1
                line.waiting.append((state.last, turn))
                return state.last
            }
            guard let number else { return turn.resume(returning: .atOnce) }
            alarm = Task {
                try? await Task.sleep(for: patience)
                giveUp(number, on: host)
            }
        }
    }

    /// The turn goes to who waits longest.
    func end(on host: HostName) {
        let next = state.withLock { state -> CheckedContinuation<Coming, Never>? in
            guard var line = state.lines[host] else { return nil }
            defer { state.lines[host] = line.busy == 0 ? nil : line }
            if !line.waiting.isEmpty { return line.waiting.removeFirst().turn }
            line.busy -= 1
            return nil
        }
        next?.resume(returning: .later)
    }

    /// How many wait for a turn on `host`.
    func waiting(on host: HostName) -> Int { state.withLock { $0.lines[host]?.waiting.count ?? 0 } }

    private func giveUp(_ number: UInt64, on host: HostName) {
        let waiter = state.withLock { state -> CheckedContinuation<Coming, Never>? in
            guard let place = state.lines[host]?.waiting.firstIndex(where: { $0.number == number }) else { return nil }
            return state.lines[host]?.waiting.remove(at: place).turn
        }
        waiter?.resume(returning: .notInTime)
    }
}
