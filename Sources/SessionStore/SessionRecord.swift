import SessionModel

/// Where a session is in its life.
public enum SessionState: String, CaseIterable, Sendable, Codable {
    case starting, running, ending, ended, failed
}

/// A session as the tables know it.
public struct SessionRecord: Sendable, Equatable {
    /// The display a session holds, with what a data link and VncAuth need.
    public struct Display: Sendable, Equatable {
        /// The data link's key.
        public var key: Secret
        /// The viewer's password, 8 characters.
        public var password: Secret
        /// What the X server runs under.
        public var uid: UInt32
        /// The host's boot the display belongs to; empty while it is starting.
        public var bootID: String
    }

    /// `session.sessnum`.
    public var number: SessionNumber
    /// Where it is in its life.
    public var state: SessionState
    /// Who started it.
    public var owner: UserName
    /// What runs in it, with the portal's suffix.
    public var application: ApplicationName
    /// The display it has or had; nil for a start that never had one.
    public var place: DisplayID?
    /// nil once the display was given back.
    public var display: Display?
    /// The desktop's size at the start.
    public var geometry: Geometry
    /// Seconds it may stay unobserved.
    public var timeout: Int
    /// Why it ended or shall end; empty before.
    public var reason: String
    /// The id of the cause in the operator's log; nil when none was logged.
    public var errorID: String?
    /// UTC, `2026-01-31 12:00:00.000`.
    public var started: String
    /// Seconds since the start, by the database's clock.
    public var age: Int
    /// Views open now: their viewers see the display.
    public var viewers: Int
    /// Whether its logs are written and the portal's rows of it are gone.
    public var isMoved: Bool
    /// Seconds since its end was begun, by the database's clock; 0 before.
    public var endingFor: Int
    /// What it had used when its end began, in seconds; nil before, and where that was not told.
    public var noted: Usage?

    /// Wall time and CPU time, in seconds.
    public struct Usage: Sendable, Equatable {
        public var wall: Double
        public var cpu: Double
    }
}

/// Everything that is known of a session's life.
public struct SessionStory: Sendable, Equatable {
    /// What it is, and why it ended.
    public var record: SessionRecord
    /// When it came to run, UTC, `2026-01-31 12:00:00.000`; nil when it never did.
    public var running: String?
    /// When it had ended, UTC; nil before.
    public var ended: String?
    /// The application's exit status; nil while that is not known.
    public var exitStatus: Int?
    /// What its start tried, as it was kept; nil when nothing was.
    public var steps: String?
    /// The end of its application's log; nil when none was kept.
    public var logTail: String?
    /// Seconds from its start to its end, as its account was fixed; nil before.
    public var wall: Double?
    /// Seconds in which anybody watched it, as its account was fixed; nil before.
    public var view: Double?
    /// Seconds of processor time, as its account was fixed; nil before.
    public var cpu: Double?
}

/// A session to begin.
public struct NewSession: Sendable {
    /// Who started it.
    public var owner: UserName
    /// The browser's address; 40 characters are kept.
    public var address: String
    /// What runs in it, with the portal's suffix.
    public var application: ApplicationName
    /// What the portal shows as its name; 100 characters are kept.
    public var title: String
    /// Seconds it may stay unobserved.
    public var timeout: Int
    /// The desktop's size at the start.
    public var geometry: Geometry
    /// 32 hex digits: what the application proves its session with.
    public var sessionToken: Secret
    /// The portal's parameter text; nil when there is none.
    public var parameters: String?
    /// `zones.id`; nil: the zone of the host it comes to.
    public var zoneID: Int?
    /// Whether its display has GLX.
    public var withGL: Bool
    /// What sort of session: "display".
    public var kind: String
    /// Whether it is a load test's; nil: a person's.
    public var stress: StressMark?

    /// A session with everything its rows need.
    public init(
        owner: UserName, address: String, application: ApplicationName, title: String, timeout: Int,
        geometry: Geometry, sessionToken: Secret, parameters: String? = nil, zoneID: Int? = nil, withGL: Bool = false,
        kind: String = "display", stress: StressMark? = nil
    ) {
        self.owner = owner
        self.address = address
        self.application = application
        self.title = title
        self.timeout = timeout
        self.geometry = geometry
        self.sessionToken = sessionToken
        self.parameters = parameters
        self.zoneID = zoneID
        self.withGL = withGL
        self.kind = kind
        self.stress = stress
    }
}

/// What a session used, in seconds.
public struct SessionAccounts: Sendable, Equatable {
    /// From its start to its end.
    public var wall: Double
    /// User and system time of all its processes.
    public var cpu: Double
    /// The application's exit status.
    public var status: Int

    /// Figures of a session that ended.
    public init(wall: Double, cpu: Double, status: Int) {
        self.wall = wall
        self.cpu = cpu
        self.status = status
    }
}
