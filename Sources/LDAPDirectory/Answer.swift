import Synchronization

/// An answer that is given once, by whoever comes first: the lane or the deadline.
final class Answer<Value: Sendable>: Sendable {
    private let waiting: Mutex<CheckedContinuation<Result<Value, DirectoryError>, Never>?>

    init(_ continuation: CheckedContinuation<Result<Value, DirectoryError>, Never>) {
        waiting = Mutex(continuation)
    }

    var isAnswered: Bool { waiting.withLock { $0 == nil } }

    func give(_ result: Result<Value, DirectoryError>) {
        let continuation = waiting.withLock { waiting in
            let continuation = waiting
            waiting = nil
            return continuation
        }
        continuation?.resume(returning: result)
    }
}
