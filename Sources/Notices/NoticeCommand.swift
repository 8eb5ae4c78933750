import Glibc
import Subprocess
import SystemPackage

/// The command that brings news to an administrator, by mail or chat: run as it is configured, with the kind of news as
/// the first line of standard input and the text as the next.
public actor NoticeCommand {
    private let words: [String]
    private let pause: Duration
    private let failed: @Sendable (_ kind: String, _ cause: String) -> Void
    private var told: [String: (at: ContinuousClock.Instant, held: Int)] = [:]

    /// How long the command may take before it is ended.
    private static let patience = Duration.seconds(30)

    /// - Parameters:
    ///   - words: the command, an absolute path first; empty: nobody is told.
    ///   - pause: news of one kind are told at most once in this time; the next one says how many were held back.
    ///   - failed: hears when the command could not be run or ended badly.
    public init(
        _ words: [String], pause: Duration, failed: @escaping @Sendable (_ kind: String, _ cause: String) -> Void
    ) {
        self.words = words
        self.pause = pause
        self.failed = failed
    }

    /// Tells `text`, without line breaks of its own, unless news of this kind were told a moment ago. Returns at once;
    /// the command runs on its own.
    public func send(_ kind: String, _ text: String) {
        guard let program = words.first else { return }
        var held = 0
        if let last = told[kind] {
            guard ContinuousClock.now - last.at >= pause else {
                told[kind] = (last.at, last.held + 1)
                return
            }
            held = last.held
        }
        told[kind] = (.now, 0)
        let arguments = Array(words.dropFirst())
        let letter =
            kind + "\n" + text + "\n" + (held > 0 ? "(\(held) more of this kind since the last notice.)\n" : "")
        let failed = failed
        Task {
            if let cause = await Self.run(program, arguments, letter) { failed(kind, cause) }
        }
    }

    /// A pipe that holds the letter: nobody has to wait for a command that does not read it.
    private static func readable(_ letter: String) throws -> FileDescriptor {
        // What a pipe holds at least without a reader (pipe(7)).
        let bytes = Array(letter.utf8.prefix(4096))
        let (reading, writing) = try FileDescriptor.pipe()
        defer { try? writing.close() }
        do {
            for end in [reading, writing] { _ = fcntl(end.rawValue, F_SETFD, FD_CLOEXEC) }
            _ = try writing.writeAll(bytes)
            return reading
        } catch {
            try? reading.close()
            throw error
        }
    }

    /// Runs the command; nil when it ended well, else why not.
    private static func run(_ program: String, _ arguments: [String], _ letter: String) async -> String? {
        do {
            return try await withThrowingTaskGroup(of: String?.self) { group in
                group.addTask {
                    let outcome = try await Subprocess.run(
                        .path(FilePath(program)), arguments: Arguments(arguments),
                        input: .fileDescriptor(try readable(letter), closeAfterSpawningProcess: true),
                        output: .discarded, error: .discarded)
                    return outcome.terminationStatus.isSuccess ? nil : "\(outcome.terminationStatus)"
                }
                group.addTask {
                    try await Task.sleep(for: patience)
                    return "no end after \(patience)"
                }
                let first = try await group.next() ?? nil
                group.cancelAll()
                return first
            }
        } catch {
            return "\(error)"
        }
    }
}
