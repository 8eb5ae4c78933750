import Glibc
import SessionModel

/// The kernel gives this process no further thread.
public struct ThreadError: UserFacingError, Equatable {
    /// What pthread_create(3) answered.
    public let errno: Int32

    /// One sentence for the person.
    public var userMessage: String { "This machine is too busy for one more thread; please try again in a minute." }

    /// What a daemon ends with.
    public var exitStatus: ExitStatus { .osError }

    /// The errno.
    public var operatorCause: String? { "pthread_create: errno \(errno)" }
}

/// Runs `body` on a thread of its own that nobody joins: for calls that block. Where it throws, `body` never runs.
public func detachThread(_ body: @escaping @Sendable () -> Void) throws(ThreadError) {
    let box = Unmanaged.passRetained(ThreadBody(body))
    var thread = pthread_t()
    let failure = pthread_create(
        &thread, nil,
        { argument in
            guard let argument else { return nil }
            Unmanaged<ThreadBody>.fromOpaque(argument).takeRetainedValue().run()
            return nil
        }, box.toOpaque())
    guard failure == 0 else {
        box.release()
        throw ThreadError(errno: failure)
    }
    pthread_detach(thread)
}

private final class ThreadBody: Sendable {
    let run: @Sendable () -> Void
    init(_ run: @escaping @Sendable () -> Void) { self.run = run }
}
