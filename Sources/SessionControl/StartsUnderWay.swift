import SessionModel
import Synchronization

/// How many starts this controller is busy with, and on which hosts: pools make way for them, and of many at once each host
/// gets its share before the first of them has taken a display.
final class StartsUnderWay: Sendable {
    private struct State {
        var count = 0
        var since = ContinuousClock.now
        var places: [HostName: Int] = [:]
        /// Those among them that may take a display that stands ready.
        var takers: [HostName: Int] = [:]
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

    /// A start is on its way to `host`; `takesReady`: one that may take a display which stands ready there. Whoever calls
    /// this calls ``left(_:takesReady:)`` when it has a display there, or none.
    func came(to host: HostName, takesReady: Bool = true) {
        state.withLock { state in
            state.places[host, default: 0] += 1
            if takesReady { state.takers[host, default: 0] += 1 }
        }
    }

    func left(_ host: HostName, takesReady: Bool = true) {
        func lessen(_ counts: inout [HostName: Int]) { counts[host] = counts[host].flatMap { $0 > 1 ? $0 - 1 : nil } }
        state.withLock { state in
            lessen(&state.places)
            if takesReady { lessen(&state.takers) }
        }
    }

    /// Starts that are on their way to `host` and have no display there yet.
    func count(on host: HostName) -> Int { state.withLock { $0.places[host] ?? 0 } }

    /// Whether there are any, to whichever host.
    var areOnTheirWay: Bool { state.withLock { !$0.places.isEmpty } }

    /// Those among them that may take a display which stands ready.
    func takers(on host: HostName) -> Int { state.withLock { $0.takers[host] ?? 0 } }

    /// How long pools wait for starts that follow one another without a gap.
    private static let patience = Duration.seconds(10)

    /// Whether a pool should make nothing just now: what it would take of the machine is missing to somebody who waits.
    var comeFirst: Bool {
        state.withLock { $0.count > 0 && ContinuousClock.now - $0.since < Self.patience }
    }
}
