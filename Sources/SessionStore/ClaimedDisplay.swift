import SessionModel

/// A display's number that was free and is nobody else's now.
public struct ClaimedDisplay: Sendable, Equatable {
    /// The host it is on.
    public var host: HostName
    /// The X display, `:N` in its container.
    public var number: DisplayNumber
    /// The uid its Xvnc runs under: the range's first plus the number.
    public var uid: UInt32
}
