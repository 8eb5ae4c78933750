import SessionModel

/// What went wrong between a viewer of ours and the gateway.
public enum ViewError: UserFacingError, Equatable {
    /// Nobody answers there; the text is the system's reason.
    case unreachable(String)
    /// The deadline passed while waiting for this.
    case timedOut(waitingFor: String)
    /// The peer ended the connection while this was awaited.
    case closed(waitingFor: String)
    /// The HTTP part of the way in was answered with another status than the one that lets a viewer pass.
    case refused(status: Int, line: String)
    /// The certificate is not one we trust, or names another host.
    case untrusted(String)
    /// TLS broke in another way.
    case tls(String)
    /// The display's security types are none of None and VncAuth, or VncAuth is asked and no password is at hand.
    case noCommonSecurity(offered: [UInt8])
    /// The display did not accept us; the text is the one it sent.
    case authentication(String)
    /// The peer sent what its protocol does not allow.
    case broken(String)
    /// A picture could not be written to its file.
    case notWritten(String)

    public var userMessage: String {
        switch self {
        case .unreachable: "The gateway cannot be reached; check its address and port."
        case .timedOut(let what): "The gateway did not answer in time (waiting for \(what)); please try again."
        case .closed(let what): "The gateway ended the connection (waiting for \(what)); please ask for a new view."
        case .refused(let status, _): "The gateway refused the view with status \(status); please ask for a new one."
        case .untrusted: "The gateway's certificate is not trusted; check the authority's file and the host's name."
        case .tls: "The encrypted connection to the gateway failed; please try again."
        case .noCommonSecurity: "The display asks for a way to log in that this viewer does not know."
        case .authentication: "The display did not accept the password; please ask for a new view."
        case .broken: "The gateway sent something this viewer does not understand."
        case .notWritten: "The picture could not be written to its file."
        }
    }

    public var exitStatus: ExitStatus {
        switch self {
        case .unreachable: .noHost
        case .timedOut: .tryAgain
        case .closed, .tls: .unavailable
        case .refused, .authentication, .untrusted: .noPermission
        case .noCommonSecurity, .broken: .protocolError
        case .notWritten: .cannotCreate
        }
    }

    public var operatorCause: String? {
        switch self {
        case .unreachable(let reason), .untrusted(let reason), .tls(let reason), .authentication(let reason),
            .broken(let reason), .notWritten(let reason):
            reason
        case .refused(_, let line): line
        case .noCommonSecurity(let offered): "security types \(offered)"
        case .timedOut, .closed: nil
        }
    }
}
