/// How long one kind of thing took, in seconds.
public struct LatencyFigures: Codable, Equatable, Sendable {
    public var count: Int
    public var mean: Double
    public var p50: Double
    public var p90: Double
    public var p99: Double
    public var max: Double
    /// What each of ``rungs`` per cent did not exceed.
    public var ladder: [Double]

    /// The per cents of ``ladder``.
    public static let rungs = [0.0, 10, 25, 50, 75, 90, 95, 99, 99.5, 99.9, 100]
}

/// What is timed, by the name that requirements and reports call it.
public enum Timed: String, Codable, CaseIterable, Sendable {
    /// From a start's word to its answer.
    case start
    /// From the start's word until a viewer had a whole picture.
    case picture
    /// From a key press until the picture changed.
    case echo
    /// From a viewer's cut until it had a whole picture again.
    case reconnect
    /// From a viewer's connecting until the relay let it in.
    case open
    /// From a stop's word to its answer.
    case stop
    /// From a fault until the gateway was well again.
    case heal

    /// What a report says.
    var title: String {
        switch self {
        case .start: "Start of a session"
        case .picture: "First picture since the start"
        case .echo: "Key press to changed picture"
        case .reconnect: "Cut to picture again"
        case .open: "Opening of a viewer"
        case .stop: "Stop of a session"
        case .heal: "Fault to all well"
        }
    }
}
