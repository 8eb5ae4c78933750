import SessionModel

/// What kind of token led to a view.
public enum TokenKind: String, Sendable, Codable {
    /// Minted by `maxwell view`.
    case view
    /// Minted by `maxwell ticket`.
    case ticket
    /// The portal's own: a `viewperm` row's `viewtoken`.
    case portal
}

/// A token that is good, and where it leads.
public struct ResolvedToken: Sendable, Equatable {
    public var session: SessionNumber
    public var user: UserName
    public var mode: ViewMode
    public var kind: TokenKind
    public var host: HostName
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
