import SessionModel

/// A uid that is lent to somebody whose directory entry has none.
public struct ShadowAccount: Hashable, Sendable {
    /// Its gid is the same number.
    public var uid: UInt32
    /// Its home, made for whoever has it and removed afterwards.
    public var home: String

    /// A uid with its home.
    public init(uid: UInt32, home: String) {
        self.uid = uid
        self.home = home
    }
}

/// A uid that nobody has any more and that is not clean yet.
public struct StaleShadow: Hashable, Sendable {
    /// What it is.
    public var account: ShadowAccount
    /// The hosts that have to clean it, by name.
    public var hosts: [HostName]

    /// A uid to clean.
    public init(account: ShadowAccount, hosts: [HostName]) {
        self.account = account
        self.hosts = hosts
    }
}
