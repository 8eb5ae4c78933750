import SessionModel
import Synchronization

/// How many starts this controller is busy with, and on which hosts: pools make way for them, and of many at once each host
/// gets its share before the first of them has taken a display.
final class StartsUnderWay: Sendable {
    private struct State {
        var count = 0
        var since = ContinuousClock.now
        var places: [HostName: Int] = [:]
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

    /// A start is on its way to `host`; whoever calls this calls ``left(_:)`` when it has a display there, or none.
    func came(to host: HostName) { state.withLock { $0.places[host, default: 0] += 1 } }

    func left(_ host: HostName) {
        state.withLock { state in
            state.places[host, default: 0] -= 1
            if state.places[host] == 0 { state.places[host] = nil }
        }
    }

    /// Starts that are on their way to `host` and have no display there yet.
    func count(on host: HostName) -> Int { state.withLock { $0.places[host] ?? 0 } }

    /// How long pools wait for starts that follow one another without a gap.
    private static let patience = Duration.seconds(10)

    /// Whether a pool should make nothing just now: what it would take of the machine is missing to somebody who waits.
    var comeFirst: Bool {
        state.withLock { $0.count > 0 && ContinuousClock.now - $0.since < Self.patience }
    }
}
