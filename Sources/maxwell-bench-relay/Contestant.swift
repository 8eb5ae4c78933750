import CLinux
import Glibc

/// A relay that is measured: a line `NAME WAY PORT TOKEN COMMAND…`.
struct Contestant {
    let name: String
    let way: Way
    let port: UInt16
    let token: String
    let command: [String]

    init(_ line: Substring) throws(BenchError) {
        let words = line.split(separator: " ").map(String.init)
        guard words.count > 4, let way = Way(rawValue: words[1]), let port = UInt16(words[2]) else {
            throw BenchError("expected NAME WAY PORT TOKEN COMMAND…, found \(line)")
        }
        (name, self.way, self.port, token, command) = (words[0], way, port, words[3], Array(words[4...]))
    }
}

/// A program that was started, with everything it starts itself.
final class Server {
    let command: [String]
    private(set) var identifier: pid_t = -1
    private let core: Int
    private let log: String

    /// Starts `command` on `core`, and returns when `port` accepts.
    init(_ command: [String], core: Int, port: UInt16, log: String) throws(BenchError) {
        self.command = command
        self.core = core
        self.log = log
        try start(port)
    }

    /// Ends it and everything it started.
    func stop() {
        guard identifier > 0 else { return }
        let family = ProcessFigures.family(identifier)
        kill(identifier, SIGTERM)
        let end = monotonicSeconds() + 5
        var status: Int32 = 0
        while waitpid(identifier, &status, WNOHANG) == 0 {
            if monotonicSeconds() > end { kill(identifier, SIGKILL) }
            usleep(5_000)
        }
        for child in family where child != identifier { kill(child, SIGKILL) }
        identifier = -1
    }

    /// Ends it and starts it again.
    func restart(_ port: UInt16) throws(BenchError) {
        stop()
        try start(port)
    }

    private func start(_ port: UInt16) throws(BenchError) {
        // The last one's children may take a moment.
        let patience = monotonicSeconds() + 5
        while accepts(port) {
            guard monotonicSeconds() < patience else { throw BenchError("port \(port) is taken") }
            usleep(20_000)
        }
        // Nobody is left when the load is killed.
        let words = ["setpriv", "--pdeathsig", "TERM", "taskset", "-c", "\(core)"] + command
        var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) }
        arguments.append(nil)
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, log, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
        posix_spawn_file_actions_adddup2(&actions, 1, 2)
        let result = posix_spawnp(&identifier, words[0], &actions, nil, arguments, environ)
        posix_spawn_file_actions_destroy(&actions)
        for argument in arguments { free(argument) }
        guard result == 0 else { throw BenchError("\(command[0]) cannot be started: \(result)") }
        let end = monotonicSeconds() + 10
        while !accepts(port) {
            var status: Int32 = 0
            guard waitpid(identifier, &status, WNOHANG) == 0, monotonicSeconds() < end else {
                throw BenchError("\(command[0]) does not serve: see \(log)")
            }
            usleep(10_000)
        }
    }

    private func accepts(_ port: UInt16) -> Bool {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        return withLoopback(port: port, host: 1) { connect(descriptor, $0, $1) == 0 }
    }
}
