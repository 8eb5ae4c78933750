/// A host's displays that no session has.
public struct PoolFigures: Sendable, Equatable {
    /// Displays of one kind.
    public struct Kind: Sendable, Equatable {
        /// That wait for a session.
        public var ready = 0
        /// That are being made for the pool.
        public var starting = 0
    }

    /// Those without GLX.
    public var withoutGL = Kind()
    /// Those with GLX.
    public var withGL = Kind()
    /// Those that failed and are not ended yet, of both kinds.
    public var broken = 0
}

/// How many starts were asked for of late.
public struct RecentStarts: Sendable, Equatable {
    /// In the last ten seconds.
    public var lastTen = 0
    /// In the last sixty seconds, those of the last ten among them.
    public var lastSixty = 0
}
