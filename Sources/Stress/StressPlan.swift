/// What a run does, and when: every session and every viewer, decided before it begins. The same options and seed make the
/// same plan.
public struct StressPlan: Codable, Equatable, Sendable {
    /// In the order in which they are asked for.
    public var sessions: [Session]
    /// When every viewer that is there loses its connection and comes back at once, in seconds since the run began.
    public var storms: [Double]
    /// Whether the displays are the hosts' synthetic ones.
    public var isSynthetic: Bool

    /// A plan with everything in it.
    public init(sessions: [Session], storms: [Double] = [], isSynthetic: Bool) {
        self.sessions = sessions
        self.storms = storms
        self.isSynthetic = isSynthetic
    }

    /// One session of one stress user.
    public struct Session: Codable, Equatable, Sendable {
        /// When it is asked for, in seconds since the run began; it is asked for then, whatever became of those before.
        public var at: Double
        /// 1 for `stress-0001`.
        public var user: Int
        public var application: String
        /// Seconds from its start's answer until it is stopped.
        public var hold: Double
        public var viewers: [Viewer]

        /// A session with its viewers.
        public init(at: Double, user: Int, application: String, hold: Double, viewers: [Viewer]) {
            self.at = at
            self.user = user
            self.application = application
            self.hold = hold
            self.viewers = viewers
        }
    }

    /// One viewer of a session.
    public struct Viewer: Codable, Equatable, Sendable {
        /// Seconds after its session's start was answered.
        public var after: Double
        public var way: Way
        public var behaviour: Behaviour
        /// What its chances are drawn from.
        public var seed: UInt64

        /// A viewer that comes then.
        public init(after: Double, way: Way, behaviour: Behaviour, seed: UInt64) {
            self.after = after
            self.way = way
            self.behaviour = behaviour
            self.seed = seed
        }
    }

    /// How a viewer comes to the relay.
    public enum Way: String, Codable, CaseIterable, Sendable {
        case webSocket = "websocket"
        /// CONNECT inside TLS.
        case connect
        /// As stock VNC viewers come: silent, then RFB with VeNCrypt, a ticket for a password.
        case native
    }

    /// What a viewer does.
    public enum Behaviour: String, Codable, CaseIterable, Sendable {
        case watcher, typist
        case slowReader = "slow"
        /// Is cut off without a goodbye.
        case vanishing
        /// Is cut off, and comes back, again and again.
        case flapping
        /// Bad tokens, half handshakes: it is to be refused.
        case hostile
    }
}
