import SessionModel

/// An execution host as the tables know it.
public struct HostRecord: Sendable, Equatable {
    /// How the host is reached; only hosts that were added to this system have it.
    public struct Access: Sendable, Equatable {
        /// A name or address for ssh.
        public var address: String
        /// The port sshd listens on.
        public var port: Int
        /// The account the agent's forced command runs under.
        public var account: String
        /// "ssh-ed25519 AAAA…".
        public var sshHostKey: String
        /// The host's run folder, where its data socket is.
        public var runFolder: String
        /// "container", "none", or empty while the agent was never heard.
        public var isolation: String
        /// The boot that the agent told last; empty while it was never heard.
        public var bootID: String
        /// The version that the agent told last.
        public var agentVersion: String
        /// Starts that failed on it in a row.
        public var failures: Int
        /// Why this system set it aside; nil when it did not.
        public var setAside: String?
        /// How often it was set aside since it was last fit: once, and once more for each probe that failed.
        public var probes: Int
    }

    /// What the portal calls it.
    public var name: HostName
    /// A `HostStatus`, or a word of the hub's own; only "up" gets sessions.
    public var status: String
    /// The sum of the host's ``Database/hostTypes()`` values.
    public var provisions: UInt64
    /// How many displays sessions have.
    public var uses: Int
    /// 0: no limit.
    public var maximumUses: Int
    /// The lowest display number, 1 or more.
    public var firstDisplay: Int
    /// `zones.id`; 0: none.
    public var zoneID: Int
    /// nil when the host's zone has no row.
    public var zone: String?
    /// Whether the zone is up; a host without a zone's row is not held back by one.
    public var isZoneUp: Bool
    /// nil for a host that only the portal knows.
    public var access: Access?
}

/// A zone: hosts that belong together.
public struct ZoneRecord: Sendable, Equatable {
    /// `zones.id`, as session rows carry it.
    public var id: Int
    /// What the portal calls it.
    public var name: String
    /// Whether sessions may start in it.
    public var isUp: Bool
    /// Whether it is what a session gets that names none.
    public var isDefault: Bool
}

/// A host to record, with what its agent and the administrator told.
public struct HostAddition: Sendable {
    /// What the portal calls it.
    public var name: HostName
    /// A name or address for ssh.
    public var address: String
    /// The port sshd listens on.
    public var port: Int
    /// The account the agent's forced command runs under.
    public var account: String
    /// "ssh-ed25519 AAAA…".
    public var sshHostKey: String
    /// The host's run folder, where its data socket is.
    public var runFolder: String
    /// nil: the default zone.
    public var zoneID: Int?
    /// The sum of the host's ``Database/hostTypes()`` values.
    public var provisions: UInt64
    /// 0: no limit.
    public var maximumUses: Int

    /// A host with everything known.
    public init(
        name: HostName, address: String, port: Int = 22, account: String = "root", sshHostKey: String,
        runFolder: String = "/run/maxwell", zoneID: Int? = nil, provisions: UInt64 = 1, maximumUses: Int = 0
    ) {
        self.name = name
        self.address = address
        self.port = port
        self.account = account
        self.sshHostKey = sshHostKey
        self.runFolder = runFolder
        self.zoneID = zoneID
        self.provisions = provisions
        self.maximumUses = maximumUses
    }
}
