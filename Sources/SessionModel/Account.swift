/// A user as the directory knows them, checked: active, with ids in the allowed range.
public struct Account: Hashable, Codable, Sendable {
    /// A group the account belongs to.
    public struct Group: Hashable, Codable, Sendable {
        public let name: String
        public let gid: UInt32
        /// A group `name` with `gid`.
        public init(name: String, gid: UInt32) {
            self.name = name
            self.gid = gid
        }
    }

    public let name: UserName
    public let uid: UInt32
    /// The primary group.
    public let gid: UInt32
    /// An absolute path without `..`.
    public let home: String
    public let shell: String
    /// Primary and supplementary groups with gids in the allowed range, sorted by gid, none twice.
    public let groups: [Group]

    /// An account as the directory gave it.
    public init(name: UserName, uid: UInt32, gid: UInt32, home: String, shell: String, groups: [Group]) {
        self.name = name
        self.uid = uid
        self.gid = gid
        self.home = home
        self.shell = shell
        self.groups = groups
    }
}
