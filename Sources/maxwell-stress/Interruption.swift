import ControlSocket
import Glibc
import SessionModel
import Synchronization

/// Ctrl-C, and SIGTERM: the first ends the run in order, the second ends the program.
enum Interruption {
    private static let count = Atomic<Int>(0)
    /// The end of a pipe that the signals' handler writes to: it may do little else (signal-safety(7)).
    nonisolated(unsafe) private static var signalled: Int32 = -1

    /// Whether there was one.
    static var hasCome: Bool { count.load(ordering: .relaxed) > 0 }

    /// Calls `stop` at the first one, on a thread of its own.
    static func listen(_ stop: @escaping @Sendable () -> Void) throws {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else {
            throw Refusal("This machine gives no more descriptors; please raise their limit (ulimit -n).", .osError)
        }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        signalled = ends[1]
        let heard = ends[0]
        try detachThread {
            var byte: UInt8 = 0
            while read(heard, &byte, 1) == 1 {
                if count.add(1, ordering: .relaxed).newValue == 1 {
                    Terminal.say("\nEnding what was started; once more Ctrl-C leaves it to 'maxwell stress --clean'.\n")
                    stop()
                } else {
                    Terminal.say("\nEnded at once: 'maxwell stress --clean' ends what was started.\n")
                    _exit(128 + SIGINT)
                }
            }
        }
        // Programs that this one starts get the signals' usual effect back when they are executed (execve(2)).
        for number in [SIGINT, SIGTERM, SIGHUP] {
            signal(number) { _ in
                let kept = errno
                var byte: UInt8 = 1
                _ = write(Interruption.signalled, &byte, 1)
                errno = kept
            }
        }
    }
}
