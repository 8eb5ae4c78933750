import SessionModel

/// Somebody the directory knows and lets in.
public enum Person: Equatable, Sendable {
    /// Has ids; the home is theirs too, though the entry may not name it.
    case account(Account, homeIsNamed: Bool)
    /// Has none.
    case visitor(Visitor)

    /// The groups they are in, by name.
    public var groups: [String] {
        switch self {
        case .account(let account, _): account.groups.map(\.name)
        case .visitor(let visitor): visitor.groups
        }
    }
}

/// Somebody whose entry has no uid: an `inetOrgPerson` (RFC 2798) that is no `posixAccount`.
public struct Visitor: Equatable, Sendable {
    public let name: UserName
    /// The names of their groups, sorted. They decide what may be started; no process ever has these groups, since files that it
    /// leaves there would be the next visitor's.
    public let groups: [String]

    /// Somebody named `name`.
    public init(name: UserName, groups: [String]) {
        self.name = name
        self.groups = groups
    }
}
