import SessionModel
import Synchronization

/// The sessions whose ends this controller is carrying out: healing leaves them alone.
final class EndsUnderWay: Sendable {
    private let numbers = Mutex<Set<SessionNumber>>([])

    /// Takes a session's end in hand; false when it is already.
    func begin(_ number: SessionNumber) -> Bool { numbers.withLock { $0.insert(number).inserted } }

    /// Nothing more is done for it here.
    func finished(_ number: SessionNumber) { numbers.withLock { _ = $0.remove(number) } }

    func contains(_ number: SessionNumber) -> Bool { numbers.withLock { $0.contains(number) } }
}
