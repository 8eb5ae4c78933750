/// An exit status of sysexits(3), the only ones our commands use besides 0.
public enum ExitStatus: Int32, Codable, Sendable {
    case usage = 64, badData = 65, noInput = 66, noUser = 67, noHost = 68, unavailable = 69, software = 70
    case osError = 71, osFile = 72, cannotCreate = 73, ioError = 74, tryAgain = 75, protocolError = 76
    case noPermission = 77, configuration = 78
}

/// An error that speaks twice: a sentence for the person, a cause for the operator's log.
public protocol UserFacingError: Error, Sendable {
    /// One sentence: what happened and what to do. No SQL, token, path of ours or stack.
    var userMessage: String { get }
    /// What the command's exit status tells a script.
    var exitStatus: ExitStatus { get }
    /// What an operator reads; nil when the user's sentence says it all. Never a secret.
    var operatorCause: String? { get }
}

extension UserFacingError {
    public var operatorCause: String? { nil }
}

/// A refusal on its way to the person who asked.
public struct Refusal: UserFacingError, Codable, Equatable {
    public let userMessage: String
    public let exitStatus: ExitStatus
    public let operatorCause: String?
    /// The id under which the operator's log has the cause, where it was logged.
    public var errorID: String?

    /// A refusal in its own words.
    public init(_ message: String, _ status: ExitStatus, cause: String? = nil, errorID: String? = nil) {
        userMessage = message
        exitStatus = status
        operatorCause = cause
        self.errorID = errorID
    }
}
