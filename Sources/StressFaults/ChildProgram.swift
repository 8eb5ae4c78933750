import Glibc
import Synchronization

/// A program run to its end, or to the end of our patience.
///
/// It is in a process group of its own: Ctrl-C at our terminal does not end what mends a gateway. It has none of our
/// descriptors but its output's, and default signals.
enum ChildProgram {
    struct Answer: Equatable, Sendable {
        /// Standard output and standard error in one.
        var output: String
        /// Its exit status; 128 and the signal that ended it; 137 where it was out of time; 127 where there is no such.
        var status: Int32
    }

    /// Runs `words`, the first found by PATH, for at most so many seconds.
    static func run(_ words: [String], within seconds: Double) -> Answer {
        guard let (process, source) = spawned.withLock({ _ in start(words) }) else {
            return Answer(output: "\(words.first ?? "nothing") cannot be started", status: 127)
        }
        defer { close(source) }
        let output = read(source, until: .now + .seconds(seconds))
        if output.isCut { kill(-process, SIGKILL) }
        var ending: Int32 = 0
        while waitpid(process, &ending, 0) < 0, errno == EINTR {}
        let status = ending & 0x7f == 0 ? (ending >> 8) & 0xff : 128 + (ending & 0x7f)
        return Answer(output: output.text, status: status)
    }

    /// One at a time: a program that is started between the making of another one's pipe and its marking would keep that
    /// open for as long as it lives.
    private static let spawned = Mutex(())

    /// The new process, and where its output is read.
    private static func start(_ words: [String]) -> (pid_t, Int32)? {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { return nil }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        let process = spawn(words, output: ends[1])
        close(ends[1])
        guard let process else {
            close(ends[0])
            return nil
        }
        return (process, ends[0])
    }

    /// The new process; nil where there is no such program.
    private static func spawn(_ words: [String], output: Int32) -> pid_t? {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, output, 1)
        posix_spawn_file_actions_adddup2(&actions, output, 2)
        for descriptor in inherited { posix_spawn_file_actions_addclose(&actions, descriptor) }
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
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
        var process: pid_t = 0
        guard let program = words.first, posix_spawnp(&process, program, &actions, &attributes, &copies, environ) == 0
        else { return nil }
        return process
    }

    /// Our descriptors that a program would get by itself.
    private static var inherited: [Int32] {
        names(in: "/proc/self/fd").compactMap { Int32($0) }.filter { descriptor in
            let flags = fcntl(descriptor, F_GETFD)
            return descriptor > 2 && flags >= 0 && flags & FD_CLOEXEC == 0
        }
    }

    /// What comes until the end, or until that moment; of more than 4 MiB the rest is dropped.
    private static func read(
        _ descriptor: Int32, until end: ContinuousClock.Instant
    ) -> (text: String, isCut: Bool) {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65536)
        while true {
            let left = (end - .now) / .milliseconds(1)
            guard left > 0 else { return (String(decoding: bytes, as: UTF8.self), true) }
            var polled = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            guard poll(&polled, 1, Int32(min(left.rounded(.up), 60_000))) > 0 else { continue }
            let count = Glibc.read(descriptor, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return (String(decoding: bytes, as: UTF8.self), false) }
            if bytes.count < 4 << 20 { bytes += buffer.prefix(count) }
        }
    }
}
