import ControlSocket
import Glibc

/// What Ctrl-C and an orderly end from outside do to a run.
public enum StopSignals {
    /// From now on the first SIGINT or SIGTERM calls `first`, on a thread of its own, and the second ends the process at once
    /// with `sentence` on standard error. To be called before any other thread begins: it blocks both signals, and threads
    /// and programs that are started later have them blocked too.
    public static func heed(
        _ sentence: String, first: @escaping @Sendable () -> Void
    ) throws(LoadError) {
        var signals = sigset_t()
        sigemptyset(&signals)
        sigaddset(&signals, SIGINT)
        sigaddset(&signals, SIGTERM)
        pthread_sigmask(SIG_BLOCK, &signals, nil)
        let last = Array((sentence + "\n").utf8)
        do throws(ThreadError) {
            try detachThread { [signals] in
                var signals = signals
                var number: Int32 = 0
                while sigwait(&signals, &number) != 0 {}
                first()
                while sigwait(&signals, &number) != 0 {}
                _ = write(2, last, last.count)
                _exit(128 + number)
            }
        } catch {
            throw .noThread(errno: error.errno)
        }
    }
}
