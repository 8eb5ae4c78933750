/// What a viewer may do.
public enum ViewMode: String, Codable, Sendable {
    /// See and act.
    case act
    /// See only: keys, pointer, clipboard and sizes are dropped by the relay.
    case watch
}
