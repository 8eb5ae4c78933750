import CLinux
import Glibc

/// Why a program was not started.
public enum SpawnError: Error, Equatable, Sendable {
    /// There is no pipe for its output (pipe2(2)): descriptors are used up.
    case noPipe(errno: Int32)
    /// posix_spawnp(3) says no: there is no such program, or no room for a process.
    case notStarted(errno: Int32)
}

/// Starts `words`; the new process, which leads a group of its own, and where its output is read without blocking.
///
/// No lock is needed around it: pipe2(2) marks the pipe while making it, so that no other program, started by another
/// thread in between, can keep it open.
func spawn(_ words: [String]) throws(SpawnError) -> (process: pid_t, output: Int32) {
    guard let program = words.first else { throw .notStarted(errno: ENOENT) }
    var ends: [Int32] = [-1, -1]
    guard clinux_pipe(&ends) == 0 else { throw .noPipe(errno: errno) }
    defer { close(ends[1]) }
    // Only our end does not block: programs rely on that of their output.
    _ = fcntl(ends[1], F_SETFL, 0)
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    // The input comes last: where ours is closed, the pipe may be in its place.
    posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
    posix_spawn_file_actions_adddup2(&actions, 1, 2)
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    clinux_spawn_without(&actions, 3)
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    // What we ignore and block, a program would inherit (execve(2)).
    var all = sigset_t()
    sigfillset(&all)
    posix_spawnattr_setsigdefault(&attributes, &all)
    var none = sigset_t()
    sigemptyset(&none)
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setpgroup(&attributes, 0)
    posix_spawnattr_setflags(
        &attributes, Int16(POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP))
    var copies: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
    defer { for copy in copies { free(copy) } }
    var process: pid_t = -1
    let failure = posix_spawnp(&process, program, &actions, &attributes, &copies, environ)
    guard failure == 0 else {
        close(ends[0])
        throw .notStarted(errno: failure)
    }
    return (process, ends[0])
}
