import SessionModel

/// An execution host as the tables know it.
public struct HostRecord: Sendable, Equatable {
    /// How the host is reached; only hosts that were added to this system have it.
    public struct Access: Sendable, Equatable {
        /// A name or address for ssh.
        public var address: String
        public var port: Int
        public var account: String
        /// "ssh-ed25519 AAAA…".
        public var sshHostKey: String
        public var runFolder: String
        /// "container", "none", or empty while the agent was never heard.
        public var isolation: String
        public var bootID: String
        public var agentVersion: String
    }

    public var name: HostName
    /// "up", "down", "check": only "up" gets sessions.
    public var status: String
    /// The sum of the host's ``Database/hostTypes()`` values.
    public var provisions: UInt64
    public var uses: Int
    /// 0: no limit.
    public var maximumUses: Int
    public var firstDisplay: Int
    public var zoneID: Int
    /// nil when the host's zone has no row.
    public var zone: String?
    /// Whether the zone is up; a host without a zone's row is not held back by one.
    public var isZoneUp: Bool
    public var access: Access?
}

/// A zone: hosts that belong together.
public struct ZoneRecord: Sendable, Equatable {
    public var id: Int
    public var name: String
    public var isUp: Bool
    public var isDefault: Bool
}

/// A host to record, with what its agent and the administrator told.
public struct HostAddition: Sendable {
    public var name: HostName
    public var address: String
    public var port: Int
    public var account: String
    public var sshHostKey: String
    public var runFolder: String
    /// nil: the default zone.
    public var zoneID: Int?
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
