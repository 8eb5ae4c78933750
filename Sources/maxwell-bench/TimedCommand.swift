import Glibc
import SessionModel

/// A program run to its end: what it printed, and how long that took from spawn to exit.
struct TimedCommand {
    /// Standard output and standard error in one, as the portal merges them.
    let output: String
    /// 0, or what went wrong: the program's own status, 128 and the signal that ended it, or ``ExitStatus/osFile``
    /// when it could not be started.
    let status: Int32
    /// The moment before it was spawned.
    let began: ContinuousClock.Instant
    let duration: Duration

    /// The moment when it had ended.
    var ended: ContinuousClock.Instant { began + duration }
    /// Its first line, which tells the reason when it failed.
    var sentence: String { output.split(separator: "\n").first.map(String.init) ?? "no reason given" }

    /// Runs the program at `path` with `arguments`.
    static func run(_ path: String, _ arguments: [String]) -> TimedCommand {
        let alone = RunningCommand(path, arguments)
        while !alone.ended { RunningCommand.listen(to: [alone]) }
        return alone.result
    }

    /// Runs the program at `path` once for each of `arguments`, at most `limit` of them at the same time; the results
    /// are in the same order.
    static func all(_ path: String, _ arguments: [[String]], atMost limit: Int) -> [TimedCommand] {
        var commands: [RunningCommand] = []
        var running: [RunningCommand] = []
        while commands.count < arguments.count || !running.isEmpty {
            while commands.count < arguments.count, running.count < limit {
                let command = RunningCommand(path, arguments[commands.count])
                commands.append(command)
                running.append(command)
            }
            running.removeAll { $0.ended }
            if !running.isEmpty { RunningCommand.listen(to: running) }
        }
        return commands.map(\.result)
    }
}

/// A program between its spawn and its exit.
private final class RunningCommand {
    private let began: ContinuousClock.Instant
    private var process: pid_t = 0
    private var descriptor: Int32 = -1
    private var output: [UInt8] = []
    private var status: Int32 = 0
    private var duration: Duration?

    var ended: Bool { duration != nil }
    var result: TimedCommand {
        TimedCommand(
            output: String(decoding: output, as: UTF8.self), status: status, began: began, duration: duration ?? .zero)
    }

    init(_ path: String, _ arguments: [String]) {
        began = ContinuousClock.now
        guard spawn(path, arguments) else {
            output = Array("\(path) cannot be started; please install it beside maxwell-bench.".utf8)
            status = ExitStatus.osFile.rawValue
            duration = ContinuousClock.now - began
            return
        }
    }

    private func spawn(_ path: String, _ arguments: [String]) -> Bool {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { return false }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
        posix_spawn_file_actions_adddup2(&actions, ends[1], 2)
        // A viewer of ours has this process ignore broken pipes; a program it starts shall not.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var signals = sigset_t()
        sigemptyset(&signals)
        sigaddset(&signals, SIGPIPE)
        posix_spawnattr_setsigdefault(&attributes, &signals)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGDEF))
        var words: [UnsafeMutablePointer<CChar>?] = ([path] + arguments).map { strdup($0) } + [nil]
        defer { for word in words { free(word) } }
        let failed = posix_spawn(&process, path, &actions, &attributes, &words, environ)
        close(ends[1])
        guard failed == 0 else {
            close(ends[0])
            return false
        }
        descriptor = ends[0]
        return true
    }

    /// Waits until at least one of `commands` prints something or ends. None of them has ended.
    static func listen(to commands: [RunningCommand]) {
        var polled = commands.map { pollfd(fd: $0.descriptor, events: Int16(POLLIN), revents: 0) }
        guard poll(&polled, nfds_t(polled.count), -1) > 0 else { return }
        for (command, state) in zip(commands, polled) where state.revents != 0 { command.read() }
    }

    /// Takes what it printed; the end of that is the end of the program.
    private func read() {
        var buffer = [UInt8](repeating: 0, count: 65536)
        let count = Glibc.read(descriptor, &buffer, buffer.count)
        if count > 0 { return output += buffer.prefix(count) }
        if count < 0, errno == EINTR { return }
        close(descriptor)
        var ending: Int32 = 0
        while waitpid(process, &ending, 0) < 0, errno == EINTR {}
        duration = ContinuousClock.now - began
        status = ending & 0x7f == 0 ? (ending >> 8) & 0xff : 128 + (ending & 0x7f)
    }
}
