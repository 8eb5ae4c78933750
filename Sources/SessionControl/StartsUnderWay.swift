import Synchronization

/// How many starts this controller is busy with: pools make way for them.
final class StartsUnderWay: Sendable {
    private struct State {
        var count = 0
        var since = ContinuousClock.now
    }

    private let state = Mutex(State())

    /// A start has begun; whoever calls this calls ``ended()`` when it is over.
    func began() {
        state.withLock { state in
            if state.count == 0 { state.since = .now }
            state.count += 1
        }
    }

    func ended() { state.withLock { $0.count -= 1 } }

    /// How long pools wait for starts that follow one another without a gap.
    private static let patience = Duration.seconds(10)

    /// Whether a pool should make nothing just now: what it would take of the machine is missing to somebody who waits.
    var comeFirst: Bool {
        state.withLock { $0.count > 0 && ContinuousClock.now - $0.since < Self.patience }
    }
}
