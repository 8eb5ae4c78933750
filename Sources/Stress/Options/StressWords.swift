/// The command line of a run, as it was said: nothing of it has been looked at.
public struct StressWords: Sendable {
    public var profile: String?
    public var sessions: String?
    public var rate: String?
    public var burst: String?
    public var hold: String?
    public var length: String?
    public var apps: String?
    public var viewers: String?
    public var ways: String?
    public var behaviours: String?
    public var seed: String?
    public var via: String?
    public var faults: String?
    public var isSynthetic = false

    /// A command line without a word.
    public init() {}
}
