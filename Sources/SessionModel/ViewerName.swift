/// What a native viewer's person types as their name: `alice`, or `alice+42` for session 42.
public struct ViewerName: Hashable, Sendable {
    /// The account.
    public let user: UserName
    /// The session that is named; nil: the newest one.
    public let session: SessionNumber?

    /// Nil when `text` is neither.
    public init?(_ text: String) {
        let parts = text.split(separator: "+", omittingEmptySubsequences: false)
        guard parts.count <= 2, let user = try? UserName(String(parts[0])) else { return nil }
        self.user = user
        if parts.count == 2 {
            guard let session = try? SessionNumber(parsing: String(parts[1])) else { return nil }
            self.session = session
        } else {
            session = nil
        }
    }
}
