import SessionModel

/// A display's row, for reconciliation with what its host reports.
public struct DisplayRecord: Sendable, Equatable {
    public var number: DisplayNumber
    /// "starting", "ready", "used", "ending" or "broken".
    public var state: String
    public var session: SessionNumber?
    public var uid: UInt32
    public var bootID: String
    /// Seconds since it was claimed, by the database's clock.
    public var age: Int
}
