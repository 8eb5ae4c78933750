import SessionModel
import Synchronization

/// What users were last found to use, by the host that told it, for a start there to know without asking: what one host
/// tells is never shown on another's displays.
final class HomeFigures: Sendable {
    private struct Source: Hashable {
        let user: UserName
        let host: HostName
    }

    private let known = Mutex<[Source: (isOver: Bool, at: ContinuousClock.Instant)]>([:])

    /// Keeps a figure.
    func note(_ user: UserName, on host: HostName, isOver: Bool) {
        known.withLock { $0[Source(user: user, host: host)] = (isOver, .now) }
    }

    /// Whether the user was over the limit when `host` last looked, and whether that is longer ago than `age`; nil when it
    /// has not looked.
    func figure(of user: UserName, on host: HostName, olderThan age: Duration) -> (isOver: Bool, isOld: Bool)? {
        known.withLock { known in
            known[Source(user: user, host: host)].map { ($0.isOver, $0.at.duration(to: .now) > age) }
        }
    }
}
