import SessionModel

/// What a load test asks besides everybody's words: root's and the stress group's.
public enum StressWord: Codable, Sendable, Equatable {
    /// What the tables have of views of stress users' sessions that ended: the sessions after that one (nil: from the
    /// first), by number, about `count` views. The next page begins after the last session of this one; an empty page is the
    /// end. A session is never torn, and only those that have left the portal's tables are whole: ask when all have ended.
    case ledger(after: SessionNumber?, count: Int)
    /// What is left of stress users anywhere.
    case leftovers
    /// Ends all sessions of stress users, gives their uids back and removes their rows. What takes longer than a minute
    /// stays, and goes when it is asked again; when nothing is left it changes nothing.
    case clean
}

/// Something that load tests left, or that nobody owns.
public struct StressLeftover: Codable, Sendable, Equatable {
    /// A plain line of what it is.
    public var text: String
    /// A load test's session or row: it goes on, or was not cleaned up. What else there is need not be of one.
    public var isOfARun: Bool

    /// What `text` says.
    public init(_ text: String, isOfARun: Bool = false) {
        self.text = text
        self.isOfARun = isOfARun
    }
}

/// A view of a stress user's session that ended: one row of the portal's `viewlog`.
public struct StressView: Codable, Sendable, Equatable {
    public var session: SessionNumber
    /// Who watched.
    public var user: String
    /// How long it watched; single precision, as the table has it.
    public var seconds: Double
    /// Seconds in which anybody watched the session, as `sessionlog` has them; nil while it is not there.
    public var viewtime: Double?

    /// A row with what is known beside it.
    public init(session: SessionNumber, user: String, seconds: Double, viewtime: Double? = nil) {
        self.session = session
        self.user = user
        self.seconds = seconds
        self.viewtime = viewtime
    }
}
