import Foundation

/// What a program answered.
public struct CommandResult: Sendable {
    /// Its exit status.
    public let status: Int32
    /// What it wrote to standard output.
    public let output: String
    /// What it wrote to standard error.
    public let errors: String
}

/// Runs `arguments` (the program's path first) with `input` on its standard input, and waits for its end.
public func runCommand(_ arguments: [String], input: String = "") throws -> CommandResult {
    let folder = try PrivateFolder(prefix: "mwc")
    defer { folder.remove() }
    // Files, not pipes: nothing can fill up while nobody reads.
    for name in ["in", "out", "err"] {
        let contents = name == "in" ? Data(input.utf8) : Data()
        guard FileManager.default.createFile(atPath: folder.file(name), contents: contents) else {
            throw TestServerError("cannot write \(folder.file(name))")
        }
    }
    let process = Process()
    process.executableURL = URL(fileURLWithPath: arguments[0])
    process.arguments = Array(arguments.dropFirst())
    process.standardInput = FileHandle(forReadingAtPath: folder.file("in"))
    process.standardOutput = FileHandle(forWritingAtPath: folder.file("out"))
    process.standardError = FileHandle(forWritingAtPath: folder.file("err"))
    try process.runWithoutBlockedSignals()
    process.waitUntilExit()
    return CommandResult(
        status: process.terminationStatus, output: try String(contentsOfFile: folder.file("out"), encoding: .utf8),
        errors: try String(contentsOfFile: folder.file("err"), encoding: .utf8))
}
