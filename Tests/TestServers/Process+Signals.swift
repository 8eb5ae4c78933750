import Foundation

extension Process {
    /// Starts the program with no signal blocked. The threads that tests run on block some, children inherit that,
    /// and a shell that never gets SIGCHLD waits forever.
    func runWithoutBlockedSignals() throws {
        var none = sigset_t()
        var previous = sigset_t()
        sigemptyset(&none)
        pthread_sigmask(SIG_SETMASK, &none, &previous)
        defer { pthread_sigmask(SIG_SETMASK, &previous, nil) }
        try run()
    }
}
