import SessionModel

/// One thing wrong in a file of ours, with the place an editor can jump to.
public struct Mistake: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// The file's name as a person calls it: `maxwell.yaml`, `apps.d/xterm.yaml`.
    public let file: String
    /// The line, from 1; nil when the file as a whole is meant.
    public let line: Int?
    /// What is wrong: `relay.port: expected 1-65535, found 80443`.
    public let problem: String

    /// A mistake at a place.
    public init(file: String, line: Int?, problem: String) {
        self.file = file
        self.line = line
        self.problem = problem
    }

    /// As it is written in a file or a message.
    public var description: String {
        if let line { "\(file):\(line): \(problem)" } else { "\(file): \(problem)" }
    }

    /// In the order of an editor: file, line, problem.
    public static func < (left: Mistake, right: Mistake) -> Bool {
        (left.file, left.line ?? 0, left.problem) < (right.file, right.line ?? 0, right.problem)
    }
}

/// Everything wrong in what was read, at once.
public struct SettingsErrors: UserFacingError, Equatable, CustomStringConvertible {
    /// In the order of file and line; never empty.
    public let mistakes: [Mistake]

    /// These mistakes, sorted.
    public init(_ mistakes: [Mistake]) { self.mistakes = mistakes.sorted() }

    /// One mistake a line, as `maxwelld --check` lists them.
    public var description: String { mistakes.map(\.description).joined(separator: "\n") }

    /// What the person reads.
    public var userMessage: String {
        "The gateway's settings have mistakes. Please tell its administrators, who see them with maxwelld --check."
    }
    /// What a script reads.
    public var exitStatus: ExitStatus { .configuration }
    /// What the operator reads.
    public var operatorCause: String? { description }
}
