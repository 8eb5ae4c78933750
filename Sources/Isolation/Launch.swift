import CLinux
import Glibc
import HostProtocol

/// Calls `body` with a null-terminated array of C strings.
func withCStrings<Result>(
    _ texts: [String], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> Result
) -> Result {
    var pointers: [UnsafeMutablePointer<CChar>?] = texts.map { strdup($0) }
    pointers.append(nil)
    defer { for pointer in pointers { free(pointer) } }
    return pointers.withUnsafeMutableBufferPointer { buffer in
        guard let start = buffer.baseAddress else { preconditionFailure("an array with an element has an address") }
        return body(start)
    }
}

/// In a child: the signals a program expects.
func resetSignals() {
    for signal in [SIGPIPE, SIGCHLD, SIGHUP, SIGINT, SIGTERM] { clinux_default_signal(signal) }
    _ = clinux_unblock_signals()
}

/// In a child: `given[0]` becomes descriptor 0 and so on; all others are closed.
func arrangeDescriptors(_ given: [Int32]) {
    let safe = given.map { fcntl($0, F_DUPFD, 200) }
    for (target, fd) in safe.enumerated() { dup2(fd, Int32(target)) }
    _ = clinux_close_from(UInt32(given.count))
}

/// In a child that goes on as our own program: lets go of every descriptor but the log and `report`, which becomes 3,
/// so that a file system which holds the child for ever holds nobody else.
func keepOnly(_ report: Int32?) { arrangeDescriptors([2, 2, 2] + (report.map { [$0] } ?? [])) }

/// Forks a child of ours that does `body` and ends, with no descriptor but the log and, as 3, a pipe; answers the child, to be
/// waited for, and the pipe's reading end, to be closed.
func reportingChild(_ body: () -> Void) throws(HostFailure) -> (child: Int32, report: Int32) {
    var pipe: [Int32] = [-1, -1]
    guard clinux_pipe(&pipe) == 0 else { throw failure("pipe") }
    let child = clinux_fork()
    guard child >= 0 else {
        let failed = failure("fork")
        for fd in pipe { close(fd) }
        throw failed
    }
    if child == 0 {
        resetSignals()
        keepOnly(pipe[1])
        body()
        _exit(0)
    }
    close(pipe[1])
    return (child, pipe[0])
}

/// Starts a program in a child whose descriptors are exactly `descriptors`, in that order; `before` runs in it first. It is
/// the file `program` where that is not what its first word names.
func launch(
    _ arguments: [String], program: String? = nil, environment: [String], descriptors: [Int32],
    before: () -> Void = {}
) throws(HostFailure) -> Int32 {
    let child = clinux_fork()
    guard child >= 0 else { throw failure("fork") }
    if child > 0 { return child }
    resetSignals()
    before()
    arrangeDescriptors(descriptors)
    let first = arguments.first ?? ""
    let code = withCStrings(arguments) { arguments in
        withCStrings(environment) { environment in
            clinux_execvpe(program ?? first, arguments, environment)
            return errno
        }
    }
    log("exec \(program ?? first): \(String(cString: strerror(code)))")
    _exit(127)
}

private let programFolders = ["/usr/local/bin", "/usr/bin", "/bin", "/usr/sbin", "/sbin"]

/// The variables a program of ours runs with.
let plainEnvironment = ["PATH=" + programFolders.joined(separator: ":"), "LANG=C.UTF-8"]

/// Where a program that is named, or given by its path, is; nil when it cannot be executed.
func programPath(_ program: String) -> String? {
    let places = program.contains("/") ? [program] : programFolders.map { $0 + "/" + program }
    return places.first { access($0, X_OK) == 0 }
}
