import SessionModel

/// A display's place: numbers are each host's own.
public struct DisplayID: Hashable, Sendable {
    /// The host it is on.
    public var host: HostName
    /// The X display, `:N` in its container.
    public var number: DisplayNumber

    /// The display of that number on that host.
    public init(host: HostName, number: DisplayNumber) {
        self.host = host
        self.number = number
    }
}

/// Where a display is in its life. One session uses it, once.
public enum DisplayState: String, Sendable, Codable {
    /// Being made: for the pool, or for a session that waits for it.
    case starting
    /// It waits for a session.
    case ready
    /// A session has it.
    case used
    /// It is no use any more and is being ended.
    case ending
    /// It failed; its row says why.
    case broken
}

/// A display's row, for reconciliation with what its host reports.
public struct DisplayRecord: Sendable, Equatable {
    /// The X display, `:N` in its container.
    public var number: DisplayNumber
    /// Where it is in its life.
    public var state: DisplayState
    /// The session that holds it; nil while none does.
    public var session: SessionNumber?
    /// The data link's key, which no other display has.
    public var key: Secret
    /// What the X server runs under.
    public var uid: UInt32
    /// The host's boot it was started in; empty before it answered.
    public var bootID: String
    /// Whether it has GLX.
    public var withGL: Bool
    /// What it was made from; empty before that is known.
    public var template: String
    /// Why it is broken or ending; empty otherwise.
    public var reason: String
    /// Seconds since it came to be ready, broken or ending; before that, since it was claimed. By the database's clock.
    public var age: Int
}
