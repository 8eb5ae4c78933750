import HostProtocol
import SessionModel
import Synchronization

/// What users were last found to use, for a start to know without asking.
final class HomeFigures: Sendable {
    private let known = Mutex<[UserName: (isOver: Bool, at: ContinuousClock.Instant)]>([:])

    /// Keeps a figure.
    func note(_ user: UserName, isOver: Bool) {
        known.withLock { $0[user] = (isOver, .now) }
    }

    /// Whether the user was over the limit when somebody last looked, and whether that is longer ago than `age`; nil when
    /// nobody has looked.
    func figure(of user: UserName, olderThan age: Duration) -> (isOver: Bool, isOld: Bool)? {
        known.withLock { known in known[user].map { ($0.isOver, $0.at.duration(to: .now) > age) } }
    }
}
