/// A session's clocks, in seconds: advanced round by round, so that they stand still while nobody reaps, and no jump of a
/// machine's clock is seen.
public struct SessionClocks: Equatable, Sendable {
    /// For how long nobody has observed it.
    public var unobserved: Double
    /// For how long it has run.
    public var lived: Double
    /// For how long yet it is not reaped as unobserved, because somebody extended it.
    public var kept: Double
    /// For how long yet it is not reaped as too old.
    public var keptAge: Double
    /// Until an administrator's stop; nil: there is none.
    public var stopsIn: Double?

    /// Clocks as they stand; zero for a session that begins to run.
    public init(
        unobserved: Double = 0, lived: Double = 0, kept: Double = 0, keptAge: Double = 0, stopsIn: Double? = nil
    ) {
        self.unobserved = unobserved
        self.lived = lived
        self.kept = kept
        self.keptAge = keptAge
        self.stopsIn = stopsIn
    }
}

/// What a round sees of a session. Times are in seconds.
public struct SessionSight: Equatable, Sendable {
    /// Views that are open, by their relays' word.
    public var viewers: Int
    /// Its jobs that are active.
    public var jobs: Int
    /// Whether the portal noted an access that was not seen before.
    public var wasTouched: Bool
    /// For how long nobody has heard of its host.
    public var hostAway: Double
    /// Until the host's drain ends it; nil: it does not.
    public var drainIn: Double?
    /// How long it may stay unobserved.
    public var timeout: Double
    /// How long it may run; nil: as long as it likes.
    public var maximumAge: Double?

    /// What was seen.
    public init(
        viewers: Int = 0, jobs: Int = 0, wasTouched: Bool = false, hostAway: Double = 0, drainIn: Double? = nil,
        timeout: Double, maximumAge: Double? = nil
    ) {
        self.viewers = viewers
        self.jobs = jobs
        self.wasTouched = wasTouched
        self.hostAway = hostAway
        self.drainIn = drainIn
        self.timeout = timeout
        self.maximumAge = maximumAge
    }

    /// Whether somebody watches, or something works for it.
    public var isObserved: Bool { viewers > 0 || jobs > 0 || wasTouched }
}

/// Whether viewers could come at all.
public enum RelaySight: Equatable, Sendable {
    /// At least one relay lives.
    case heard
    /// Nobody has listened for long enough to know.
    case unknown
    /// None has been heard for a while.
    case silent
}

/// When a session is reaped, and why. Pure: rounds and clocks come from outside.
public enum Reaping {
    /// Absences shorter than this, in seconds, are no outage: clocks stand still meanwhile. After a longer one the clocks
    /// it concerns start again, for nobody could have watched.
    public static let blink = 30.0
    /// A host whose last word is younger than this, in seconds, is not away: controllers note it every few seconds.
    public static let hearing = 15.0

    /// How one round moves every session's clocks.
    public struct Round: Equatable, Sendable {
        /// Seconds since the round before; no more than ``Reaping/blink`` of them count.
        public var elapsed: Double
        /// Whether everything was out of order before this round: the controller, or its database.
        public var followsOutage: Bool
        public var relays: RelaySight

        /// A round as it begins.
        public init(elapsed: Double, followsOutage: Bool = false, relays: RelaySight = .heard) {
            self.elapsed = elapsed
            self.followsOutage = followsOutage
            self.relays = relays
        }
    }

    /// What becomes of a session's unobserved time in a round.
    public enum Count: Equatable, Sendable {
        /// It was observed, or nobody could have: it counts from zero.
        case restarts
        /// Nobody knows.
        case standsStill
        case goesOn
    }

    /// How its unobserved time counts in `round`.
    public static func count(_ sight: SessionSight, in round: Round) -> Count {
        if round.followsOutage || round.relays == .silent || sight.isObserved || sight.hostAway >= blink {
            return .restarts
        }
        return round.relays == .unknown || sight.hostAway >= hearing ? .standsStill : .goesOn
    }

    /// The clocks after `round`.
    public static func advanced(_ clocks: SessionClocks, _ sight: SessionSight, in round: Round) -> SessionClocks {
        let elapsed = min(max(0, round.elapsed), blink)
        var next = clocks
        switch count(sight, in: round) {
        case .restarts: next.unobserved = 0
        case .standsStill: break
        case .goesOn: next.unobserved += elapsed
        }
        next.lived += elapsed
        next.kept = max(0, clocks.kept - elapsed)
        next.keptAge = max(0, clocks.keptAge - elapsed)
        next.stopsIn = clocks.stopsIn.map { max(0, $0 - elapsed) }
        return next
    }

    /// What will become of a session if nothing changes.
    public struct Fate: Equatable, Sendable {
        /// Seconds until it is reaped, 0 when its time is over; nil: nothing ends it as things are.
        public var endsIn: Double?
        /// Why it will have ended; nil while nothing ends it.
        public var reason: EndReason?
        /// Why it goes, or what keeps it, for an administrator.
        public var words: String

        /// Whether its time is over.
        public var isDue: Bool { endsIn.map { $0 <= 0 } ?? false }

        /// Whether whoever watches is told before.
        public var isTold: Bool {
            switch reason {
            case .stoppedWithNotice, .tooOld, .hostDrained: true
            default: false
            }
        }
    }

    /// What will become of a session, of all that could end it the first. A host that stays away for `lostAfter` seconds is
    /// given up; until then only an administrator ends what is there.
    public static func fate(
        _ clocks: SessionClocks, _ sight: SessionSight, relays: RelaySight, lostAfter: Double
    ) -> Fate {
        var ends: [Fate] = []
        if let stopsIn = clocks.stopsIn {
            ends.append(Fate(endsIn: stopsIn, reason: .stoppedWithNotice, words: "an administrator stops it"))
        }
        let isAway = sight.hostAway >= blink
        if isAway {
            ends.append(
                Fate(
                    endsIn: lostAfter - sight.hostAway, reason: .hostLost(Int(sight.hostAway)),
                    words: "its host is away"))
        }
        if let drainIn = sight.drainIn, !isAway {
            ends.append(Fate(endsIn: drainIn, reason: .hostDrained, words: "its host drains"))
        }
        if let maximum = sight.maximumAge, !isAway {
            ends.append(
                Fate(
                    endsIn: max(maximum - clocks.lived, clocks.keptAge), reason: .tooOld(Int(clocks.lived)),
                    words: "it may run for \(plainTime(Int(maximum)))"))
        }
        let timeout = plainTime(Int(sight.timeout))
        let guarded = whatKeeps(sight, relays)
        if guarded == nil {
            let rest = max(sight.timeout - clocks.unobserved, clocks.kept)
            let extended = clocks.kept > sight.timeout - clocks.unobserved ? ", extended" : ""
            ends.append(
                Fate(
                    endsIn: rest, reason: .unobserved(Int(clocks.unobserved)),
                    words: "unobserved for \(plainTime(Int(clocks.unobserved))) of \(timeout)\(extended)"))
        }
        guard var first = ends.min(by: { ($0.endsIn ?? .infinity) < ($1.endsIn ?? .infinity) }) else {
            return Fate(endsIn: nil, reason: nil, words: (guarded ?? "") + "; may be unobserved for \(timeout)")
        }
        first.endsIn = first.endsIn.map { max(0, $0) }
        return first
    }

    /// What keeps a session's unobserved time from counting; nil when nothing does.
    private static func whatKeeps(_ sight: SessionSight, _ relays: RelaySight) -> String? {
        if sight.viewers > 0 { return sight.viewers == 1 ? "one viewer watches" : "\(sight.viewers) viewers watch" }
        if sight.jobs > 0 { return sight.jobs == 1 ? "a job runs" : "\(sight.jobs) jobs run" }
        if sight.hostAway >= hearing { return "its host is away" }
        switch relays {
        case .heard: return nil
        case .unknown: return "relays are being listened for"
        case .silent: return "no relay is heard"
        }
    }

    /// What a window on the session's display says before its end; nil for an end that nobody is told of.
    public static func notice(of fate: Fate) -> String? {
        guard fate.isTold, let endsIn = fate.endsIn else { return nil }
        let time =
            endsIn < 90 ? "\(max(1, Int(endsIn.rounded()))) seconds" : "\(Int((endsIn / 60).rounded())) minutes"
        let why =
            switch fate.reason {
            case .hostDrained: "because the machine it runs on is needed for other work"
            case .tooOld: "because it has run for as long as a session may"
            default: "because an administrator stops it"
            }
        return "This session ends in \(time), \(why).\nPlease save your work now."
    }
}
