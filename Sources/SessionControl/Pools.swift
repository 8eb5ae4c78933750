import SessionModel

/// What this controller remembers of the hosts' ready displays between two rounds: targets, and what is being
/// made. The displays themselves are in the tables.
actor Pools {
    /// One host's displays of one kind.
    struct Kind: Hashable {
        let host: HostName
        let withGL: Bool
    }

    private struct Memory {
        var target = 0.0
        var looked = ContinuousClock.now
        /// Seconds from a display's need to its readiness, as it was lately.
        var refill = 1.0
        var making = 0
    }

    private var kinds: [Kind: Memory] = [:]
    private var pauses: [HostName: (until: ContinuousClock.Instant, failures: Int)] = [:]
    private nonisolated let rounds: AsyncStream<Void>
    private nonisolated let round: AsyncStream<Void>.Continuation

    init() {
        (rounds, round) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    }

    /// Asks for a round soon: a display was taken, or a host came.
    nonisolated func wake() { round.yield() }

    /// When to look: once a second, and when woken.
    nonisolated func calls() -> AsyncStream<Void> {
        let round = round
        let clock = Task {
            while !Task.isCancelled {
                round.yield()
                try? await Task.sleep(for: .seconds(1))
            }
        }
        round.onTermination = { _ in clock.cancel() }
        return rounds
    }

    /// The number of displays to have ready, by what was wanted before and is now.
    func target(_ kind: Kind, _ facts: PoolPlan.Facts, _ rules: PoolPlan.Rules) -> Double {
        var memory = kinds[kind] ?? Memory()
        let elapsed = (ContinuousClock.now - memory.looked) / .seconds(1)
        memory.target = PoolPlan.target(facts, previous: memory.target, elapsed: elapsed, rules: rules)
        memory.looked = .now
        kinds[kind] = memory
        return memory.target
    }

    /// Seconds a refill takes.
    func refill(_ kind: Kind) -> Double { kinds[kind]?.refill ?? 1 }

    /// Displays of the kind that are being made.
    func making(_ kind: Kind) -> Int { kinds[kind]?.making ?? 0 }

    /// Takes up to `wanted` of the `most` displays that may be made on a host at once; none while the host rests after
    /// failures.
    func begin(_ kind: Kind, _ wanted: Int, most: Int) -> Int {
        if let pause = pauses[kind.host], pause.until > .now { return 0 }
        let under = kinds.filter { $0.key.host == kind.host }.reduce(0) { $0 + $1.value.making }
        let count = max(0, min(wanted, most - under))
        kinds[kind, default: Memory()].making += count
        return count
    }

    /// A display of the kind stands after `seconds`.
    func made(_ kind: Kind, after seconds: Double) {
        var memory = kinds[kind] ?? Memory()
        memory.making -= 1
        // A round comes at most a second late.
        memory.refill = 0.8 * memory.refill + 0.2 * (seconds + 1)
        kinds[kind] = memory
        pauses[kind.host] = nil
        wake()
    }

    /// A display of the kind could not be made: the host rests for 1, 2, 4, at most 30 seconds.
    func failed(_ kind: Kind) {
        kinds[kind]?.making -= 1
        let failures = (pauses[kind.host]?.failures ?? 0) + 1
        pauses[kind.host] = (.now + .seconds(min(30, 1 << min(5, failures - 1))), failures)
    }
}
