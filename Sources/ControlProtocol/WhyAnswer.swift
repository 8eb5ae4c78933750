import SessionModel

/// Everything that is kept about a session, one that failed to start among them: what `maxwell why` tells.
public struct WhyAnswer: Codable, Sendable, Equatable {
    public var session: SessionNumber
    public var user: String
    public var application: String
    /// Where it ran, or was tried last; empty when no host was had.
    public var host: String
    /// 0: no display was had.
    public var display: Int
    /// "starting", "running", "ending", "ended" or "failed".
    public var state: String
    /// Why it ended or failed, as an administrator reads it; empty while it lives.
    public var reason: String
    /// The id under which the controller's log has the cause.
    public var errorID: String?
    /// What its application exited with; nil while it runs, and where that is not known.
    public var exitStatus: Int?
    /// UTC, `2026-01-31 12:00:00.000`; so are the other two.
    public var started: String
    /// When its application was handed the display.
    public var running: String?
    public var ended: String?
    /// What its start tried, in that order.
    public var steps: [StartStep]
    /// The end of what its application printed, at most 2 KiB.
    public var logTail: String?

    /// An answer with all that is known.
    public init(
        session: SessionNumber, user: String, application: String, host: String, display: Int, state: String,
        reason: String, errorID: String? = nil, exitStatus: Int? = nil, started: String, running: String? = nil,
        ended: String? = nil, steps: [StartStep], logTail: String? = nil
    ) {
        self.session = session
        self.user = user
        self.application = application
        self.host = host
        self.display = display
        self.state = state
        self.reason = reason
        self.errorID = errorID
        self.exitStatus = exitStatus
        self.started = started
        self.running = running
        self.ended = ended
        self.steps = steps
        self.logTail = logTail
    }
}
