/// Why a session ends: what `maxwell why` tells of it.
public enum EndReason: Equatable, Sendable {
    /// Its user, the portal or an administrator said so.
    case stopped
    /// An administrator said so some time before.
    case stoppedWithNotice
    case applicationExited
    case displayDied
    /// The records have it, its host no such display.
    case displayGone
    /// Nobody watched for so many seconds.
    case unobserved(Int)
    /// It ran for the longest time it may.
    case tooOld(Int)
    case hostDrained
    /// Nobody has heard of its host for so many seconds.
    case hostLost(Int)
    case startFailed
    case startInterrupted
    /// Somebody removed its row from the portal's table.
    case rowRemoved
    /// It was one of a load test, which is over.
    case stressOver

    /// Whether this is the text of an end before the session came to run.
    public static func isOfStart(_ text: String) -> Bool {
        [Self.startFailed, .startInterrupted].contains { $0.text == text }
    }

    /// As it is kept and told.
    public var text: String {
        switch self {
        case .stopped: "stopped"
        case .stoppedWithNotice: "stopped by an administrator, after notice"
        case .applicationExited: "the application exited"
        case .displayDied: "the display died"
        case .displayGone: "its display is gone from the host"
        case .unobserved(let seconds): "nobody watched it for \(plainTime(seconds))"
        case .tooOld(let seconds): "it ran for \(plainTime(seconds)), the longest it may"
        case .hostDrained: "its host was drained"
        case .hostLost(let seconds): "its host was not heard of for \(plainTime(seconds))"
        case .startFailed: "the start failed"
        case .startInterrupted: "its start was interrupted"
        case .rowRemoved: "its row was removed from the session table"
        case .stressOver: "the load test is over"
        }
    }
}
