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
    /// Seconds from its start to its end; this and the next two are nil while it lives.
    public var wallSeconds: Double?
    /// Seconds in which at least one viewer watched.
    public var viewSeconds: Double?
    /// CPU seconds of all its processes.
    public var cpuSeconds: Double?
    /// Who watched, by name; what goes on is not in it.
    public var viewers: [WhyViewer]
    /// Who watches now, whoever came first in front.
    public var watchers: [Watcher]

    /// An answer with all that is known.
    public init(
        session: SessionNumber, user: String, application: String, host: String, display: Int, state: String,
        reason: String, errorID: String? = nil, exitStatus: Int? = nil, started: String, running: String? = nil,
        ended: String? = nil, steps: [StartStep], logTail: String? = nil, wallSeconds: Double? = nil,
        viewSeconds: Double? = nil, cpuSeconds: Double? = nil, viewers: [WhyViewer] = [],
        watchers: [Watcher] = []
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
        self.wallSeconds = wallSeconds
        self.viewSeconds = viewSeconds
        self.cpuSeconds = cpuSeconds
        self.viewers = viewers
        self.watchers = watchers
    }
}

/// One person's views of a session.
public struct WhyViewer: Codable, Sendable, Equatable {
    public var user: String
    /// How often they came.
    public var views: Int
    /// Their views' durations, added up.
    public var seconds: Double
    public var bytesToViewer: UInt64
    public var bytesFromViewer: UInt64

    /// A viewer's sums.
    public init(user: String, views: Int, seconds: Double, bytesToViewer: UInt64, bytesFromViewer: UInt64) {
        self.user = user
        self.views = views
        self.seconds = seconds
        self.bytesToViewer = bytesToViewer
        self.bytesFromViewer = bytesFromViewer
    }
}
