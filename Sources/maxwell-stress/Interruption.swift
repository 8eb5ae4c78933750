import ControlSocket
import Glibc
import SessionModel
import Synchronization

/// Ctrl-C, and SIGTERM: the first ends the run in order, the second ends the program.
enum Interruption {
    private struct State {
        var count = 0
        var stop: (@Sendable () -> Void)?
    }

    private static let state = Mutex(State())
    /// The end of a pipe that the signals' handler writes to: it may do little else (signal-safety(7)).
    nonisolated(unsafe) private static var signalled: Int32 = -1

    /// Whether there was one.
    static var hasCome: Bool { state.withLock { $0.count > 0 } }

    /// Hears them from now on.
    static func listen() throws {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else {
            throw Refusal("This machine gives no more descriptors; please raise their limit (ulimit -n).", .osError)
        }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        signalled = ends[1]
        let heard = ends[0]
        try detachThread {
            var byte: UInt8 = 0
            while true {
                let count = read(heard, &byte, 1)
                if count == 1 { come() } else if count == 0 || errno != EINTR { return }
            }
        }
        var signals = sigset_t()
        sigemptyset(&signals)
        for number in [SIGINT, SIGTERM, SIGHUP] { sigaddset(&signals, number) }
        // Whoever started this program may have had them blocked, and it has inherited that (execve(2)).
        pthread_sigmask(SIG_UNBLOCK, &signals, nil)
        // Programs that this one starts get the signals' usual effect back when they are executed (execve(2)).
        for number in [SIGINT, SIGTERM, SIGHUP] {
            var usual = sigaction()
            // Who is to outlive the terminal was told so by having it ignored (nohup(1)).
            if number == SIGHUP, sigaction(number, nil, &usual) == 0,
                unsafeBitCast(usual.__sigaction_handler.sa_handler, to: Int.self)
                    == unsafeBitCast(SIG_IGN, to: Int.self)
            {
                continue
            }
            signal(number) { _ in
                let kept = errno
                var byte: UInt8 = 1
                _ = write(Interruption.signalled, &byte, 1)
                errno = kept
            }
        }
    }

    /// Calls `stop` at the first one, also when that was before.
    static func call(_ stop: @escaping @Sendable () -> Void) {
        let hasCome = state.withLock { state in
            state.stop = stop
            return state.count > 0
        }
        if hasCome { stop() }
    }

    private static func come() {
        let (count, stop) = state.withLock { state in
            state.count += 1
            return (state.count, state.stop)
        }
        if count == 1 {
            Terminal.say("\nEnding what was started; Ctrl-C once more leaves that to 'maxwell stress --clean'.\n")
            stop?()
        } else {
            Terminal.say("\nEnded at once: 'maxwell stress --clean' ends and removes what was started.\n")
            _exit(128 + SIGINT)
        }
    }
}
