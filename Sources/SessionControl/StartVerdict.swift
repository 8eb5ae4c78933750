import HostAccess
import HostProtocol
import SessionModel

/// What a failure within a start means for the rest of it.
enum StartVerdict: Equatable {
    /// The display is broken: another of the same host may do.
    case nextDisplay
    /// The host cannot serve this start: another may.
    ///
    /// - `isHostsFault`: it counts against the host, which is set aside when that goes on.
    case nextHost(isHostsFault: Bool)
    /// No host can do better.
    case giveUp

    /// What to do after `failure`, which happened while a display was made (`isMaking`) or handed over.
    init(_ failure: HostAccessError, isMaking: Bool) {
        switch failure {
        // A channel that is down is tried again by itself, and a host without one is not chosen.
        case .away, .otherKey: self = .nextHost(isHostsFault: false)
        case .late, .confused: self = .nextHost(isHostsFault: true)
        case .failed(_, let cause):
            switch cause.kind {
            case .displayBusy where isMaking: self = .nextDisplay
            case .displayFailed where isMaking: self = .nextHost(isHostsFault: true)
            case .displayBroken, .displayStale, .displayFailed, .displayUnknown, .displayBusy: self = .nextDisplay
            case .diskFull, .internalError: self = .nextHost(isHostsFault: true)
            // An order that a host refuses is no fault of the host's: one strange account must not set them all aside.
            case .homeUnavailable, .applicationFailed, .refused: self = .nextHost(isHostsFault: false)
            case .homeFull: self = .giveUp
            case .tooOften: self = .giveUp
            }
        }
    }
}

extension HostAccessError {
    /// The host's own word for what happened, in a list of steps.
    var step: String {
        switch self {
        case .away(_, let cause): "the host cannot be reached: \(cause)"
        case .otherKey: "it shows another key than the pinned one"
        case .late: "no answer in time"
        case .confused(_, let cause): "an answer that does not fit: \(cause)"
        case .failed(_, let failure): "\(failure.kind.rawValue): \(failure.cause)"
        }
    }

    /// Whose failure it is.
    var host: HostName {
        switch self {
        case .away(let host, _), .otherKey(let host), .late(let host, _), .failed(let host, _), .confused(let host, _):
            host
        }
    }

    /// Whether an operator would call both the same failure.
    func isLike(_ other: HostAccessError) -> Bool {
        switch (self, other) {
        case (.away, .away), (.otherKey, .otherKey), (.late, .late), (.confused, .confused): true
        case (.failed(_, let one), .failed(_, let two)): one.kind == two.kind
        default: false
        }
    }
}
