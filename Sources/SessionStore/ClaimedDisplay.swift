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

/// A display that is to be made.
public struct FreshDisplay: Sendable {
    /// The host it shall be on.
    public var host: HostName
    /// The data link's key, 32 hex digits.
    public var key: Secret
    /// The viewers' password, 8 characters.
    public var password: Secret
    /// The desktop's size.
    public var geometry: Geometry
    /// Bits a pixel.
    public var depth: Int
    /// Whether it has GLX.
    public var withGL: Bool
    /// The uid of display 0: a display runs under this plus its number.
    public var uidBase: UInt32
    /// How many uids there are, and so the first number that is none.
    public var uidCount: UInt32

    /// A display with everything its row needs.
    public init(
        host: HostName, key: Secret, password: Secret, geometry: Geometry, depth: Int, withGL: Bool, uidBase: UInt32,
        uidCount: UInt32
    ) {
        self.host = host
        self.key = key
        self.password = password
        self.geometry = geometry
        self.depth = depth
        self.withGL = withGL
        self.uidBase = uidBase
        self.uidCount = uidCount
    }
}

/// How a session gets its display.
public enum DisplayClaim: Sendable {
    /// The first of these that is still ready, on a host below its `max_uses`.
    case ready([DisplayID])
    /// A new one: the lowest free number of its host.
    case fresh(FreshDisplay)
}

/// The display a session got.
public struct SessionDisplay: Sendable, Equatable {
    /// Where it is.
    public var id: DisplayID
    /// What its Xvnc runs under.
    public var uid: UInt32
    /// The data link's key.
    public var key: Secret
    /// The viewers' password, 8 characters.
    public var password: Secret
    /// Whether it stands already; else it is to be made.
    public var wasReady: Bool
}

/// A display that waited for a session when it was looked for.
public struct ReadyDisplay: Sendable, Equatable {
    /// Where it is.
    public var id: DisplayID
    /// Whether it has GLX.
    public var withGL: Bool
    /// What it was made from.
    public var template: String
    /// The host's boot it was made in.
    public var bootID: String
    /// Seconds since it became ready, by the database's clock.
    public var age: Int
    /// The data link's key.
    public var key: Secret
}

/// Why a session gives its display up.
public enum DropReason: Sendable, Equatable {
    /// It failed: it is kept from everyone, with this reason, until it was ended on its host.
    case broken(String)
    /// It is not there any more: its number is free.
    case gone
}
