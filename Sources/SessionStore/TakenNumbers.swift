import SessionModel
import Synchronization

/// From which display number on a host may have a free one: those below were all taken within the last second. Without it each
/// start reads every display of its host; one that another controller gives back is seen a second later at most.
final class TakenNumbers: Sendable {
    static let counts = Duration.seconds(1)

    private let known = Mutex<[HostName: (next: Int, since: ContinuousClock.Instant)]>([:])

    /// Where to look first at `now`; 0 when nothing is known.
    func next(on host: HostName, at now: ContinuousClock.Instant = .now) -> Int {
        known.withLock { known in
            guard let taken = known[host], now - taken.since < Self.counts else { return 0 }
            return taken.next
        }
    }

    /// Notes at `now` that `number` and all below it are taken: it was found from where ``next(on:at:)`` said.
    func note(_ number: Int, on host: HostName, at now: ContinuousClock.Instant = .now) {
        known.withLock { known in
            if let taken = known[host], now - taken.since < Self.counts {
                known[host] = (max(taken.next, number + 1), taken.since)
            } else {
                known[host] = (number + 1, now)
            }
        }
    }

    /// Forgets `host`, on which there is none from there on.
    func forget(_ host: HostName) { known.withLock { $0[host] = nil } }
}
