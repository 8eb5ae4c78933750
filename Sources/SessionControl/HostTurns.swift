import SessionModel
import Synchronization

/// Turns of starts on the hosts: on each so many are at work at a time, and the others wait in the order in which they came.
/// A hundred that share a host's processors are all ready at the end, and past some number none in time; one after the other,
/// half of them are ready in half of that time.
final class HostTurns: Sendable {
    /// A turn on a host, until ``end()``; at most ``longest``: what takes longer waits for something, and not for a processor.
    final class Turn: Sendable {
        /// Whether others were before it.
        let hasWaited: Bool
        private let isOver = Mutex(false)
        private let handOn: @Sendable () -> Void

        fileprivate init(hasWaited: Bool, handOn: @escaping @Sendable () -> Void) {
            self.hasWaited = hasWaited
            self.handOn = handOn
            Task { [weak self] in
                try? await Task.sleep(for: HostTurns.longest)
                self?.end()
            }
        }

        /// The turn goes to who waits longest; nothing, when it is over.
        func end() {
            let isFirst = isOver.withLock { isOver in
                defer { isOver = true }
                return !isOver
            }
            if isFirst { handOn() }
        }
    }

    private struct Line {
        var busy = 0
        /// Those who wait, first come first.
        var waiting: [(number: UInt64, turn: CheckedContinuation<Bool, Never>)] = []
    }

    private struct State {
        var lines: [HostName: Line] = [:]
        var last: UInt64 = 0
    }

    fileprivate static let longest = Duration.seconds(5)
    private let state = Mutex(State())

    /// Waits for a turn on `host`, where `most` may be at work at a time; nil when none came within `patience`. Whoever has one
    /// ends it.
    func take(on host: HostName, of most: Int, within patience: Duration) async -> Turn? {
        var alarm: Task<Void, Never>?
        var hasWaited = false
        let isMine = await withCheckedContinuation { turn in
            let number = state.withLock { state -> UInt64? in
                var line = state.lines[host] ?? Line()
                defer { state.lines[host] = line }
                if line.waiting.isEmpty, line.busy < most {
                    line.busy += 1
                    return nil
                }
                state.last += 1
                line.waiting.append((state.last, turn))
                return state.last
            }
            guard let number else { return turn.resume(returning: true) }
            hasWaited = true
            alarm = Task {
                try? await Task.sleep(for: patience)
                giveUp(number, on: host)
            }
        }
        alarm?.cancel()
        return isMine ? Turn(hasWaited: hasWaited) { self.handOn(host) } : nil
    }

    /// How many wait for a turn on `host`.
    func waiting(on host: HostName) -> Int { state.withLock { $0.lines[host]?.waiting.count ?? 0 } }

    private func handOn(_ host: HostName) {
        let next = state.withLock { state -> CheckedContinuation<Bool, Never>? in
            guard var line = state.lines[host] else { return nil }
            defer { state.lines[host] = line.busy == 0 ? nil : line }
            if !line.waiting.isEmpty { return line.waiting.removeFirst().turn }
            line.busy -= 1
            return nil
        }
        next?.resume(returning: true)
    }

    private func giveUp(_ number: UInt64, on host: HostName) {
        let waiter = state.withLock { state -> CheckedContinuation<Bool, Never>? in
            guard let place = state.lines[host]?.waiting.firstIndex(where: { $0.number == number }) else { return nil }
            return state.lines[host]?.waiting.remove(at: place).turn
        }
        waiter?.resume(returning: false)
    }
}
