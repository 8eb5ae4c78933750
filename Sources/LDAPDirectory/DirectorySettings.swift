import SessionModel

/// Where the directory is, and which accounts of it may have sessions.
public struct DirectorySettings: Sendable {
    /// Servers in the order they are tried: `ldap://`, `ldaps://` or `ldapi://`.
    public var uris: [String]
    /// The authorities a server's certificate must come from, PEM.
    public var caFile: String
    /// Whether an `ldap://` connection is encrypted by StartTLS before anything is asked.
    public var startTLS: Bool
    /// Who looks accounts up; nil: anonymous.
    public var bindDN: String?
    /// That DN's password.
    public var bindPassword: Secret?
    /// The subtree of accounts.
    public var peopleBase: String
    /// The subtree of groups.
    public var groupBase: String
    /// Accounts with a lower uid are refused.
    public var minimumUID: UInt32
    /// Accounts with a lower gid are refused, such supplementary groups dropped.
    public var minimumGID: UInt32
    /// Ids that are given out elsewhere: such accounts are refused, such supplementary groups dropped.
    public var reservedIDs: [ClosedRange<UInt32>]
    /// The folder of the homes of people whose entry names none; nil: they have no home.
    public var homesRoot: String?
    /// How long one question may take, connecting and failing over included.
    public var timeout: Duration

    /// A directory with everything known.
    public init(
        uris: [String], caFile: String, startTLS: Bool = true, bindDN: String? = nil, bindPassword: Secret? = nil,
        peopleBase: String, groupBase: String, minimumUID: UInt32 = 1000, minimumGID: UInt32 = 1000,
        reservedIDs: [ClosedRange<UInt32>] = [], homesRoot: String? = nil, timeout: Duration = .seconds(5)
    ) {
        self.uris = uris
        self.caFile = caFile
        self.startTLS = startTLS
        self.bindDN = bindDN
        self.bindPassword = bindPassword
        self.peopleBase = peopleBase
        self.groupBase = groupBase
        self.minimumUID = minimumUID
        self.minimumGID = minimumGID
        self.reservedIDs = reservedIDs
        self.homesRoot = homesRoot
        self.timeout = timeout
    }
}
