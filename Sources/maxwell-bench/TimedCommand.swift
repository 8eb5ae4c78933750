import Glibc
import SessionModel

/// A program run to its end: what it printed, and how long that took from spawn to exit.
struct TimedCommand {
    let output: String
    let status: Int32
    let duration: Duration

    /// Runs `path` with `arguments`, standard error merged into its output as the portal does it; throws when it cannot
    /// be started.
    init(_ path: String, _ arguments: [String]) throws(Refusal) {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { throw TimedCommand.failure(path) }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        defer { close(ends[0]) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
        posix_spawn_file_actions_adddup2(&actions, ends[1], 2)
        var words: [UnsafeMutablePointer<CChar>?] = ([path] + arguments).map { strdup($0) } + [nil]
        defer { for word in words { free(word) } }
        var child: pid_t = 0
        let start = ContinuousClock.now
        let failed = posix_spawn(&child, path, &actions, nil, &words, environ)
        close(ends[1])
        guard failed == 0 else { throw TimedCommand.failure(path) }
        output = TimedCommand.everything(from: ends[0])
        var ending: Int32 = 0
        while waitpid(child, &ending, 0) < 0, errno == EINTR {}
        duration = ContinuousClock.now - start
        status = ending & 0x7f == 0 ? (ending >> 8) & 0xff : 128 + (ending & 0x7f)
    }

    private static func failure(_ path: String) -> Refusal {
        Refusal("\(path) cannot be started; please install it beside maxwell-bench.", .osFile)
    }

    private static func everything(from descriptor: Int32) -> String {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = read(descriptor, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { break }
            bytes += buffer.prefix(count)
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
