import Glibc

/// A program that was started: what it prints is read here, to its end.
///
/// It is in a process group of its own: Ctrl-C at our terminal does not end it. It reads nothing, has none of our
/// descriptors but its output's, and default signals, none of them blocked. The end of its output is taken for its own.
/// Whoever starts it listens until it has ended, which is when it is reaped and its output closed.
public final class ChildProgram {
    /// What a program said, and how it ended.
    public struct Answer: Equatable, Sendable {
        /// Standard output and standard error in one.
        public var output: String
        /// As ``Ending/status``; 137 where it was out of time; 127 where it cannot be started.
        public var status: Int32
    }

    /// How a program ended.
    public struct Ending: Equatable, Sendable {
        /// Its exit status, or 128 and the signal that ended it.
        public let status: Int32
        /// When it had been reaped.
        public let moment: ContinuousClock.Instant
    }

    /// What it has printed so far, standard output and standard error in one; of more than 16 MiB the rest is dropped.
    public private(set) var output: [UInt8] = []
    /// nil while it runs.
    public private(set) var ending: Ending?

    /// The number of its process, and of its group.
    private let process: pid_t
    /// Where its output is read.
    private let source: Int32

    /// Starts `words`, the first of them found by PATH.
    public init(_ words: [String]) throws(SpawnError) {
        (process, source) = try spawn(words)
    }

    /// Runs `words`, the first of them found by PATH, for at most so many seconds.
    public static func run(_ words: [String], within seconds: Double) -> Answer {
        do throws(SpawnError) {
            let program = try ChildProgram(words)
            let ending = program.wait(until: ContinuousClock.now + .seconds(seconds))
            return Answer(output: String(decoding: program.output, as: UTF8.self), status: ending.status)
        } catch {
            return Answer(output: "\(words.first ?? "nothing") cannot be started", status: 127)
        }
    }

    /// Waits until at least one of `programs` prints something or ends, or until `limit`, and takes what they printed.
    /// None of them has ended.
    public static func listen(to programs: [ChildProgram], until limit: ContinuousClock.Instant? = nil) {
        var polled = programs.map { pollfd(fd: $0.source, events: Int16(POLLIN), revents: 0) }
        guard poll(&polled, nfds_t(polled.count), patience(until: limit)) > 0 else { return }
        for (program, state) in zip(programs, polled) where state.revents != 0 { program.hear() }
    }

    /// Waits until it has ended; at `limit` it is ended, with everything in its group.
    public func wait(until limit: ContinuousClock.Instant? = nil) -> Ending {
        while true {
            if let ending { return ending }
            if let limit, ContinuousClock.now >= limit {
                kill(-process, SIGKILL)
                return reap()
            }
            Self.listen(to: [self], until: limit)
        }
    }

    /// What poll(2) is told: milliseconds, a minute at most; -1 without a limit.
    private static func patience(until limit: ContinuousClock.Instant?) -> Int32 {
        guard let limit else { return -1 }
        let left = (limit - .now) / .milliseconds(1)
        return Int32(min(max(left.rounded(.up), 0), 60_000))
    }

    /// Takes what it printed since the last time; reaps it at the end of that.
    private func hear() {
        var buffer = [UInt8](repeating: 0, count: 65536)
        let count = read(source, &buffer, buffer.count)
        if count > 0 {
            if output.count < 16 << 20 { output += buffer.prefix(count) }
        } else if count == 0 || (errno != EINTR && errno != EAGAIN) {
            reap()
        }
    }

    @discardableResult
    private func reap() -> Ending {
        close(source)
        var status: Int32 = 0
        while waitpid(process, &status, 0) < 0, errno == EINTR {}
        // WIFEXITED and WEXITSTATUS of wait(2) are macros.
        let ending = Ending(
            status: status & 0x7f == 0 ? (status >> 8) & 0xff : 128 + (status & 0x7f), moment: ContinuousClock.now)
        self.ending = ending
        return ending
    }
}
