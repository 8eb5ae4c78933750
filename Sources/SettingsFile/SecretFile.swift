import Glibc
import SessionModel

/// A password kept in a file of its own.
public enum SecretFile {
    /// The secret in the file at `path`, without the newline at its end. Refuses a file that its group or others may
    /// read or write, and one with nothing in it.
    public static func read(path: String) throws(SecretFileError) -> Secret {
        var text: String
        do {
            text = try readText(path: path) { mode in
                mode & 0o077 == 0
                    ? nil : "others than its owner may read it (mode 0\(String(mode & 0o777, radix: 8))); chmod 600 it"
            }
        } catch {
            throw SecretFileError(path: path, problem: error.problem)
        }
        if text.hasSuffix("\n") || text.hasSuffix("\r\n") { text.removeLast() }
        guard !text.isEmpty else { throw SecretFileError(path: path, problem: "there is nothing in it") }
        return Secret(text)
    }
}

/// A secret that cannot be used.
public struct SecretFileError: UserFacingError, Equatable {
    /// The file.
    public let path: String
    /// What is wrong with it.
    public let problem: String

    /// What the person reads.
    public var userMessage: String {
        "A secret of this gateway cannot be read. Please tell its administrators."
    }
    /// What a script reads.
    public var exitStatus: ExitStatus { .configuration }
    /// What the operator reads.
    public var operatorCause: String? { "\(path): \(problem)" }
}
