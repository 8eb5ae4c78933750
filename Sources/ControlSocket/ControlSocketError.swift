import SessionModel

/// The controller could not be asked.
public enum ControlSocketError: UserFacingError, Equatable {
    /// Nobody listens at the path; `errno` says why.
    case unreachable(path: String, errno: Int32)
    /// The caller may not open the socket.
    case forbidden(path: String)
    /// The path does not fit a socket address (unix(7): 107 bytes).
    case pathTooLong(String)
    /// Another controller already listens at the path.
    case inUse(path: String)
    /// The controller closed the connection before it answered.
    case closed
    /// No answer came in the time the caller gave.
    case tooLate
    /// Reading or writing failed.
    case broken(errno: Int32)
    /// What came is not a reply; `what` tells the operator.
    case unreadable(what: String)
    /// The request does not fit a line.
    case tooLong

    /// One sentence for the person.
    public var userMessage: String {
        switch self {
        case .unreachable, .pathTooLong: "The session service is not running; please try again in a minute."
        case .inUse: "Another controller is running already; stop it first."
        case .forbidden: "You may not ask the session service; please ask an administrator for access to its socket."
        case .closed, .broken: "The session service stopped before it answered; please try again in a minute."
        case .tooLate: "The session service did not answer in time; please try again in a minute."
        case .unreadable: "The session service answered in words of another release; please tell an administrator."
        case .tooLong: "The request is too long; please shorten its parameters."
        }
    }

    /// What the command ends with.
    public var exitStatus: ExitStatus {
        switch self {
        case .unreachable, .closed, .tooLate, .broken: .tryAgain
        case .forbidden: .noPermission
        case .pathTooLong, .inUse: .configuration
        case .unreadable: .protocolError
        case .tooLong: .badData
        }
    }

    /// The path and errno, where there are any.
    public var operatorCause: String? {
        switch self {
        case .unreachable(let path, let errno): "connect \(path): errno \(errno)"
        case .inUse(let path): "\(path) answers"
        case .forbidden(let path): "connect \(path): permission denied"
        case .pathTooLong(let path): "socket path longer than 107 bytes: \(path)"
        case .broken(let errno): "control socket: errno \(errno)"
        case .unreadable(let what): what
        case .closed, .tooLate, .tooLong: nil
        }
    }
}
