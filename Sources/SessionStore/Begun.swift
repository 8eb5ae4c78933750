import SessionModel

/// How many sessions may live at a time; 0: any number.
public struct SessionLimits: Sendable, Equatable {
    /// Of one user.
    public var perUser: Int
    /// Of one application.
    public var perApplication: Int

    /// Limits as the settings have them.
    public init(perUser: Int = 0, perApplication: Int = 0) {
        self.perUser = perUser
        self.perApplication = perApplication
    }
}

/// What came of beginning a session.
public enum Begun: Sendable, Equatable {
    /// Its rows are there and it has this display.
    case began(SessionNumber, SessionDisplay)
    /// No display could be had; no row was left.
    case noneLeft
    /// The user has this many sessions already, and may not have more.
    case userLimit(Int)
    /// The application has this many sessions already, and may not have more.
    case applicationLimit(Int)
}
