import HostProtocol
import SessionModel

/// Why a host could not be asked.
public enum HostAccessError: UserFacingError, Equatable {
    /// The agent channel is down; the cause is ssh's last words.
    case away(HostName, cause: String)
    /// Something answered at the host's address and showed another key than the pinned one: nothing was sent to it.
    case otherKey(HostName)
    /// The host did not answer in time; what was asked may still happen there.
    case late(HostName, request: String)
    /// The host answered that it failed.
    case failed(HostName, HostFailure)
    /// The host's answer was not one to this request.
    case confused(HostName, cause: String)

    public var userMessage: String {
        switch self {
        case .away(let host, _): "The execution host \(host) cannot be reached; an administrator has to look at it."
        case .otherKey(let host):
            "The execution host \(host) shows another key than the one it was added with; an administrator has to look at it."
        case .late(let host, _): "The execution host \(host) did not answer in time; please try again in a minute."
        case .failed(let host, let failure):
            switch failure.kind {
            case .diskFull: "The disk of execution host \(host) is full; an administrator has to make room."
            case .displayFailed, .displayBroken, .displayStale:
                "No display could be started on \(host); an administrator has to look at it."
            case .homeUnavailable: "Your home folder is not available on \(host); an administrator has to look at it."
            case .homeFull: "Your home folder is full; please delete files that you no longer need."
            case .applicationFailed: "The application could not be started on \(host); please tell an administrator."
            case .tooOften: "That was asked a moment ago; please wait ten seconds."
            case .displayBusy, .displayUnknown, .refused, .internalError:
                "The execution host \(host) could not do that; please tell an administrator."
            }
        case .confused(let host, _): "The execution host \(host) answered wrongly; please tell an administrator."
        }
    }

    public var exitStatus: ExitStatus {
        switch self {
        case .away, .late: .tryAgain
        case .failed(_, let failure): failure.kind == .tooOften ? .tryAgain : .unavailable
        case .confused, .otherKey: .protocolError
        }
    }

    public var operatorCause: String? {
        switch self {
        case .away(_, let cause), .confused(_, let cause): cause
        case .otherKey: "its ssh host key is not the pinned one"
        case .late(_, let request): "no answer to \(request)"
        case .failed(_, let failure): "\(failure.kind): \(failure.cause)"
        }
    }
}
