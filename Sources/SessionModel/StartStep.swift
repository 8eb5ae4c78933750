/// One thing a start tried: what `maxwell why` tells, kept with the session as a JSON array.
public struct StartStep: Codable, Sendable, Equatable {
    /// Seconds since the start began, in thousandths.
    public var at: Double
    /// The host it was tried on.
    public var host: String
    /// The display's number there; nil where none was had.
    public var display: Int?
    /// What was tried: "hand-over of a ready display", "new display", …
    public var what: String
    /// ``ok``, or the reason why not, as an administrator reads it: never a secret.
    public var outcome: String

    /// The outcome of what succeeded.
    public static let ok = "ok"

    /// Whether it succeeded.
    public var isOK: Bool { outcome == Self.ok }

    /// A step; `at` is rounded to thousandths, and 0 where it is no time.
    public init(at: Double, host: String, display: Int? = nil, what: String, outcome: String = StartStep.ok) {
        self.at = at.isFinite && at > 0 && at < 1e9 ? (at * 1000).rounded() / 1000 : 0
        self.host = host
        self.display = display
        self.what = what
        self.outcome = outcome
    }
}
