import SessionModel

/// Why an account or a password was not taken.
public enum DirectoryError: UserFacingError, Equatable {
    /// No account has exactly this name.
    case unknown(UserName)
    /// The account is locked (`pwdAccountLockedTime`).
    case disabled(UserName)
    /// The account's time is over (`shadowExpire`).
    case expired(UserName)
    /// The account exists but may not have sessions: its uid or gid is a system's or ours.
    case notAllowed(UserName, reason: String)
    /// The account's entry names no home, and there is no folder for such homes (`homes.root`).
    case homeless(UserName)
    /// The account's entry, or several entries of one name, cannot be used.
    case unusable(UserName, reason: String)
    /// The server knows the account and refused the password.
    case wrongPassword(UserName)
    /// There is no password; the server was not asked, since it would call that an anonymous login (RFC 4513 §5.1.2).
    case emptyPassword
    /// No server answered in time.
    case unavailable(cause: String)
    /// A server answered, but not as our settings need: refused us, has no such subtree, cannot encrypt.
    case misconfigured(cause: String)

    /// What the person reads.
    public var userMessage: String {
        switch self {
        case .unknown(let user): "There is no account named \(user); please check the name."
        case .disabled(let user): "The account \(user) is locked; please ask the gateway's administrators."
        case .expired(let user): "The account \(user) has expired; please ask the gateway's administrators."
        case .notAllowed(let user, _):
            "The account \(user) may not have sessions; please ask the gateway's administrators."
        case .homeless(let user):
            "The account \(user) has no home folder; please ask the gateway's administrators to set homes.root."
        case .unusable(let user, _):
            "The account \(user) is not set up completely; please ask the gateway's administrators."
        case .wrongPassword(let user): "The password for \(user) is wrong; please try again."
        case .emptyPassword: "A password is needed; please type it."
        case .unavailable: "The account directory does not answer. Please try again in a few minutes."
        case .misconfigured: "The account directory cannot be used; please tell the gateway's administrators."
        }
    }

    /// What a script reads.
    public var exitStatus: ExitStatus {
        switch self {
        case .unknown: .noUser
        case .disabled, .expired, .notAllowed, .wrongPassword, .emptyPassword: .noPermission
        case .unusable, .homeless: .badData
        case .unavailable: .tryAgain
        case .misconfigured: .configuration
        }
    }

    /// What the operator reads.
    public var operatorCause: String? {
        switch self {
        case .notAllowed(_, let reason), .unusable(_, let reason): reason
        case .unavailable(let cause), .misconfigured(let cause): cause
        case .unknown, .disabled, .expired, .homeless, .wrongPassword, .emptyPassword: nil
        }
    }
}
