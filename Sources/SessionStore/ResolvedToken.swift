import SessionModel

/// What kind of token led to a view.
public enum TokenKind: String, Sendable, Codable {
    /// Minted by `maxwell view`.
    case view
    /// Minted by `maxwell ticket`.
    case ticket
    /// The portal's own: a `viewperm` row's `viewtoken`.
    case portal
    /// None: the password of the person's account was checked.
    case password
}

/// A token that is good, and where it leads.
public struct ResolvedToken: Sendable, Equatable {
    /// The session it opens.
    public var session: SessionNumber
    /// For whom it was made.
    public var user: UserName
    /// What its bearer may do now.
    public var mode: ViewMode
    /// Who made it.
    public var kind: TokenKind
    /// The display's host.
    public var host: HostName
    /// The display's number on its host.
    public var display: DisplayNumber
    /// The data link's key.
    public var key: Secret
    /// The display's viewer password, 8 characters.
    public var password: Secret
}

/// That a user may view a session.
public struct ViewPermission: Sendable, Equatable {
    /// Whether the row allows watching only.
    public var isReadOnly: Bool
}
