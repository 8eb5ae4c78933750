import SessionModel

/// A display's number that was free and is nobody else's now.
public struct ClaimedDisplay: Sendable, Equatable {
    public var host: HostName
    public var number: DisplayNumber
    /// The uid its Xvnc runs under: the range's first plus the number.
    public var uid: UInt32
}
