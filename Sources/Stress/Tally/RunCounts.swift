/// How many of what there were, and are.
public struct RunCounts: Codable, Equatable, Sendable {
    /// Sessions of the plan.
    public var planned: Int
    /// Those whose start is not answered.
    public var asked = 0
    public var started = 0
    /// Those whose start failed.
    public var failed = 0
    /// Those that are up now, and the most that were at a time.
    public var up = 0
    public var mostUp = 0
    public var stopped = 0
    /// Viewers of the plan, and those among them that mean no harm.
    public var viewersPlanned: Int
    public var viewersWelcome: Int
    /// How often the relay let one in.
    public var opened = 0
    /// Viewers that had a picture at least once.
    public var seen = 0
    /// Viewers that have one now, and the most that had at a time.
    public var watching = 0
    public var mostWatching = 0
    /// How often a viewer that had been cut saw a picture again.
    public var returned = 0
    /// The hostile that were refused, as they are to be.
    public var turnedAway = 0
    /// Viewers that something went wrong for.
    public var viewersFailed = 0
    /// Viewers of started sessions that should have had a picture and never had.
    public var unseen = 0
    public var echoes = 0
    /// Everything that went wrong.
    public var failures = 0

    /// Nothing yet of what is planned.
    init(_ plan: StressPlan) {
        planned = plan.sessions.count
        viewersPlanned = plan.sessions.reduce(0) { $0 + $1.viewers.count }
        viewersWelcome = plan.sessions.reduce(0) { $0 + $1.viewers.count { $0.behaviour != .hostile } }
    }
}
