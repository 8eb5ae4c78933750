import SessionModel

/// A display's row, for reconciliation with what its host reports.
public struct DisplayRecord: Sendable, Equatable {
    /// The X display, `:N` in its container.
    public var number: DisplayNumber
    /// "starting", "ready", "used", "ending" or "broken".
    public var state: String
    /// The session that holds it; nil while none does.
    public var session: SessionNumber?
    /// The data link's key, which no other display has.
    public var key: Secret
    /// What the X server runs under.
    public var uid: UInt32
    /// The host's boot it was started in; empty before it answered.
    public var bootID: String
    /// Seconds since it was claimed, by the database's clock.
    public var age: Int
}
