import Glibc

let arguments = Arguments.parseOrExit()
signal(SIGPIPE, SIG_IGN)
do {
    try Bench(arguments).run()
} catch {
    complain("maxwell-bench-relay: \(error)")
    exit(70)
}

/// Tells on standard error.
func complain(_ text: String) {
    let line = Array((text + "\n").utf8)
    _ = write(STDERR_FILENO, line, line.count)
}
