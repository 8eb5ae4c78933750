import SessionModel

/// Why a quick start cannot be broken, or could not be mended.
public enum QuickStartError: UserFacingError, Equatable {
    /// Nothing tells of a quick start that runs.
    case notHere
    case notRoot
    /// The gateway that would be asked is not the one that would be broken.
    case otherGateway
    case hostsArePlain
    /// A command that was to break or mend something said this.
    case refused(String, said: String)

    public var userMessage: String {
        switch self {
        case .notHere:
            "Faults are for a quick start that runs: source its env file (deploy/quickstart says where it is), or do without --faults."
        case .notRoot:
            "Only root can break or mend a quick start; please run this as root, or without --faults and MAXWELL_STATE."
        case .otherGateway:
            "MAXWELL_STATE and MAXWELL_SOCKET name two gateways; source the env file of the one that is meant."
        case .hostsArePlain:
            "This quick start's hosts are plain: they have no cable, disk or processes of their own that could be broken."
        case .refused(let what, _): "'\(what)' did not do what it should; please look at the quick start's logs."
        }
    }

    public var exitStatus: ExitStatus {
        switch self {
        case .notHere, .hostsArePlain: .unavailable
        case .notRoot: .noPermission
        case .otherGateway: .usage
        case .refused: .software
        }
    }

    public var operatorCause: String? {
        if case .refused(_, let said) = self { said } else { nil }
    }
}
