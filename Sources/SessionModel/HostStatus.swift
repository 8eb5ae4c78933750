/// Whether a host gets sessions: the portal's words of `host.status`, and our own `drain`.
public enum HostStatus: String, Codable, Sendable, CaseIterable {
    /// Sessions may start there.
    case up
    /// No session starts there; those that live go on.
    case down
    /// No session starts there until it was looked at: by an administrator, or by the gateway that set it aside.
    case check
    /// No session starts there and its ready displays are ended; the sessions that live go on until they end.
    case drain
}
