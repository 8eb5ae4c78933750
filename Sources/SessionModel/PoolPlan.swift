/// How many displays of one kind a host keeps ready, and what is made or ended for it. Pure: time and everything else is
/// given.
///
/// What is kept follows demand: a floor, and above it the displays that are taken while one is made in their place, with
/// headroom. It rises at once and falls slowly, so that a pool that was needed a moment ago is not ended and made again.
public enum PoolPlan {
    /// What an administrator decided.
    public struct Rules: Sendable, Equatable {
        /// Displays a host keeps ready whatever the demand, 0 or more.
        public var floor: Int
        /// Displays a host has ready at most, whatever the demand, 0 or more.
        public var ceiling: Int
        /// What the demand is multiplied with, 1 or more.
        public var headroom: Double
        /// Seconds in which what is above the demand is halved, more than 0.
        public var shrinkHalfLife: Double
        /// MiB that one ready display takes, 1 or more.
        public var perDisplayMemory: Int
        /// MiB of the host that ready displays leave alone.
        public var memoryReserve: Int

        /// What a ready display without GLX takes, in MiB.
        public static let memoryWithoutGL = 16
        /// What one with GLX takes, in MiB.
        public static let memoryWithGL = 26

        /// Rules for one kind of displays.
        public init(
            floor: Int = 2, ceiling: Int = 200, headroom: Double = 1.5, shrinkHalfLife: Double = 600,
            perDisplayMemory: Int = Rules.memoryWithoutGL, memoryReserve: Int = 512
        ) {
            self.floor = floor
            self.ceiling = ceiling
            self.headroom = headroom
            self.shrinkHalfLife = shrinkHalfLife
            self.perDisplayMemory = perDisplayMemory
            self.memoryReserve = memoryReserve
        }
    }

    /// How many sessions were started lately that ask for this kind, on all hosts together.
    public struct Starts: Sendable, Equatable {
        /// In the last ten seconds.
        public var lastTen: Int
        /// In the last sixty seconds, those of the last ten among them.
        public var lastSixty: Int

        /// Starts as they were counted.
        public init(lastTen: Int = 0, lastSixty: Int = 0) {
            self.lastTen = lastTen
            self.lastSixty = lastSixty
        }

        /// Starts a second: a burst shows in the ten seconds, a steady load in the sixty.
        var rate: Double { max(0, max(Double(lastTen) / 10, Double(lastSixty) / 60)) }
    }

    /// A host and its displays of this kind.
    public struct Facts: Sendable, Equatable {
        /// Displays that can be handed out.
        public var ready: Int
        /// Displays that are being made for the pool.
        public var starting: Int
        /// The demand.
        public var recent: Starts
        /// Hosts that share the demand, this one among them; 1 or more.
        public var sharing: Int
        /// Seconds from the moment a display is taken until another stands in its place: the time until somebody looks
        /// round, and the time of making one. Waiting behind others that are made is not in it: a pool that grows would
        /// raise its own target with it, and again.
        public var refillSeconds: Double
        /// Uses of the host, the portal's `host.uses`: ready displays are not among them.
        public var uses: Int
        /// 0: no limit.
        public var maximumUses: Int
        /// Memory the host could still give, in MiB, less what the displays will take that were begun since it told;
        /// nil: unknown, then memory limits nothing.
        public var memoryAvailable: Int?

        /// A host as it is now.
        public init(
            ready: Int, starting: Int, recent: Starts, sharing: Int, refillSeconds: Double, uses: Int,
            maximumUses: Int, memoryAvailable: Int?
        ) {
            self.ready = ready
            self.starting = starting
            self.recent = recent
            self.sharing = sharing
            self.refillSeconds = refillSeconds
            self.uses = uses
            self.maximumUses = maximumUses
            self.memoryAvailable = memoryAvailable
        }
    }

    /// What is to be done now.
    public struct Moves: Sendable, Equatable {
        /// Displays to make, 0 or more.
        public var make: Int
        /// Ready displays to end, 0 or more; never together with ``make``.
        public var end: Int

        /// Displays to make or to end.
        public init(make: Int, end: Int) {
            self.make = make
            self.end = end
        }
    }

    /// How many displays shall be ready or on their way, 0 or more.
    ///
    /// It is the floor, and above it this host's part of the rate of starts, times the time of a refill, times the
    /// headroom. Where the last target was higher, what it had above that is halved every ``Rules/shrinkHalfLife``. It
    /// is never more than the ceiling, than the host may still use (`max_uses`), nor than its memory holds above the
    /// reserve: these may press it below the floor.
    ///
    /// - Parameters:
    ///   - previous: what this returned last for the host; 0 at first.
    ///   - elapsed: seconds since then, 0 or more.
    public static func target(_ facts: Facts, previous: Double, elapsed: Double, rules: Rules) -> Double {
        let growth = facts.recent.rate / Double(max(1, facts.sharing)) * facts.refillSeconds * rules.headroom
        let wanted = Double(max(0, rules.floor)) + (growth.isFinite ? max(0, growth) : 0)
        let above = previous.isFinite ? max(0, previous - wanted) : 0
        return min(wanted + above * halved(max(0, elapsed) / rules.shrinkHalfLife), Double(most(facts, rules)))
    }

    /// What brings the pool to `target`, to the nearest whole display; what is starting counts as coming, and is never
    /// ended.
    public static func moves(_ facts: Facts, target: Double) -> Moves {
        let wanted = Int(max(0, min(target.isFinite ? target : 0, 65535)).rounded())
        let missing = wanted - facts.ready - facts.starting
        return Moves(make: max(0, missing), end: min(max(0, -missing), facts.ready))
    }

    /// The displays that the host may have ready at all. Less than one display's memory below the reserve ends none, so
    /// that a display whose memory was estimated too low is not ended and made again.
    private static func most(_ facts: Facts, _ rules: Rules) -> Int {
        var most = max(0, rules.ceiling)
        if facts.maximumUses > 0 { most = min(most, facts.maximumUses - facts.uses) }
        if let available = facts.memoryAvailable {
            // A host tells it: whatever number it is, it must not overflow.
            let room = min(max(0, available), 1 << 40) - rules.memoryReserve
            most = min(most, facts.ready + facts.starting + room / max(1, rules.perDisplayMemory))
        }
        return max(0, most)
    }

    /// 1, halved `times` times: 2⁻ᵗ, by the series of eˣ for what is not a whole number.
    private static func halved(_ times: Double) -> Double {
        guard (0..<64).contains(times) else { return 0 }
        let whole = times.rounded(.down)
        let exponent = (whole - times) * 0.693_147_180_559_945_3
        var term = 1.0
        var sum = 1.0
        for power in 1...16 {
            term *= exponent / Double(power)
            sum += term
        }
        return Double(sign: .plus, exponent: -Int(whole), significand: sum)
    }
}
