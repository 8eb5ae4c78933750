import SessionModel

/// A view of a load test's session that ended: a row of `viewlog`, and the session's own time beside it.
public struct StressViewRecord: Sendable, Equatable {
    /// The session that was watched.
    public var session: SessionNumber
    /// Who watched.
    public var user: String
    /// How long it watched.
    public var seconds: Double
    /// Seconds in which anybody watched the session, as `sessionlog` has them; nil while it is not there.
    public var viewtime: Double?
}

/// What was removed of load tests.
public struct StressRemoval: Sendable, Equatable {
    /// Sessions that are forgotten.
    public var sessions = 0
    /// Rows of all tables, those of the sessions among them.
    public var rows = 0

    /// Nothing yet.
    public init() {}
}

/// A uid that a load test's user has, or that is not clean after one.
public struct StressUID: Sendable, Equatable {
    /// The uid.
    public var uid: UInt32
    /// Who has it; nil when nobody has it any more and it is not clean yet.
    public var owner: String?
}
