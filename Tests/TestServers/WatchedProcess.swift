import Foundation

/// A server that ends with this process, however this process ends: a shell waits beside it for the end of a pipe
/// whose other end only we hold, then stops the server and deletes its folder.
public final class WatchedProcess: @unchecked Sendable {
    private let shell = Process()
    private let leash = Pipe()
    private let log: String

    /// Starts `arguments` (the program's path first); what it writes goes to the file `log`. `folder` is deleted
    /// after its end.
    public init(_ arguments: [String], log: String, removing folder: PrivateFolder? = nil) throws {
        self.log = log
        let script = """
            folder=$1; shift
            "$@" &
            server=$!
            while read -r ignored; do :; done
            kill "$server" 2>/dev/null
            wait "$server"
            case $folder in /tmp/?*) rm -rf "$folder" ;; esac
            """
        guard FileManager.default.createFile(atPath: log, contents: nil), let output = FileHandle(forWritingAtPath: log)
        else { throw TestServerError("cannot write \(log)") }
        shell.executableURL = URL(fileURLWithPath: "/bin/sh")
        shell.arguments = ["-c", script, "watch", folder?.path ?? ""] + arguments
        shell.standardInput = leash
        shell.standardOutput = output
        shell.standardError = output
        try shell.runWithoutBlockedSignals()
    }

    /// Asks `isReady` until it says so; throws with the log's end when the server has not come up in `seconds`.
    public func waitUntil(seconds: Int = 60, _ isReady: () -> Bool) throws {
        let deadline = ContinuousClock.now + .seconds(seconds)
        while !isReady() {
            guard ContinuousClock.now < deadline else {
                throw TestServerError("not ready after \(seconds) s; its log ends:\n\(logEnd)")
            }
            usleep(20_000)
        }
    }

    /// The last lines of what the server wrote.
    public var logEnd: String {
        let text = (try? String(contentsOfFile: log, encoding: .utf8)) ?? ""
        return text.split(separator: "\n").suffix(40).joined(separator: "\n")
    }

    /// Stops the server and waits for its end.
    public func stop() {
        try? leash.fileHandleForWriting.close()
        shell.waitUntilExit()
    }
}
