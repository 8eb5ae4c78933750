import SessionModel

/// What a run is asked for: all that decides its plan.
public struct StressOptions: Codable, Equatable, Sendable {
    /// Whose defaults hold, and whose shape the run has; nil: sessions come at a rate and stay for the same time.
    public var profile: StressProfile?
    /// How many sessions, 1–100,000.
    public var sessions: Int
    /// When they are asked for.
    public var arrivals: Arrivals
    /// Seconds that a session stays: all of them alike, or on average in a day; after the last storm in a storm.
    public var hold: Double
    /// Of which applications, in which proportion.
    public var applications: Shares
    /// How many viewers a session has on average, 0–50.
    public var viewers: Double
    /// How viewers come: names are those of ``StressPlan/Way``.
    public var ways: Shares
    /// What viewers do: names are those of ``StressPlan/Behaviour``.
    public var behaviours: Shares
    /// What every choice is drawn from.
    public var seed: UInt64
    /// Whether the displays are the hosts' synthetic ones.
    public var isSynthetic: Bool
    /// How sessions are asked for.
    public var via: Via
    /// Faults on purpose, as they were asked for.
    public var faults: String?

    /// When sessions are asked for.
    public enum Arrivals: Codable, Equatable, Sendable {
        case atOnce
        case perSecond(Double)
        /// Along a day's curve that takes so many seconds.
        case day(Double)
    }

    /// The way of the words `start`, `view` and `stop`.
    public enum Via: String, Codable, CaseIterable, Sendable {
        case socket
        /// A process each, as a portal does.
        case cli
    }
}

extension StressOptions {
    /// Looks at `words`; what they leave open is the profile's, or the default. Throws one sentence about the first mistake.
    public init(_ words: StressWords) throws(Refusal) {
        profile = try Self.value(words.profile, or: nil) { text throws(Refusal) in
            try Reading.choice(text, of: StressProfile.self, "--profile")
        }
        try Self.refuseContradictions(words, profile)
        let usual = StressProfile.usual(profile)

        let isBurst = words.burst != nil
        let count = isBurst ? "--burst" : "--sessions"
        sessions = try Self.value(words.burst ?? words.sessions, or: usual.sessions) { text throws(Refusal) in
            try Reading.number(text, count, in: 1...100_000)
        }
        arrivals = isBurst ? .atOnce : usual.arrivals
        arrivals = try Self.value(words.rate, or: arrivals) { text throws(Refusal) in
            .perSecond(try Reading.rate(text, "--rate"))
        }
        arrivals = try Self.value(words.length, or: arrivals) { text throws(Refusal) in
            .day(try Reading.span(text, "--length", in: 60...604_800))
        }
        var hold = usual.hold
        // A visit in a day takes an hour and a half of it.
        if case .day(let length) = arrivals { hold = length / 16 }
        self.hold = try Self.value(words.hold, or: hold) { text throws(Refusal) in
            try Reading.span(text, "--hold", in: 1...604_800)
        }
        applications = try Self.value(words.apps, or: Shares(["xterm": 1])) { text throws(Refusal) in
            try Shares(text, "--apps", "xterm,gnuplot:3") { (try? ApplicationName($0)) != nil }
        }
        viewers = try Self.value(words.viewers, or: usual.viewers) { text throws(Refusal) in
            try Reading.decimal(text, "--viewers", in: 0...50)
        }
        ways = try Self.value(words.ways, or: usual.ways) { text throws(Refusal) in
            try Shares(text, "--ways", "websocket:8,connect:1,native:1") { StressPlan.Way(rawValue: $0) != nil }
        }
        behaviours = try Self.value(words.behaviours, or: usual.behaviours) { text throws(Refusal) in
            try Shares(text, "--behaviours", "watcher:3,typist,slow,vanishing,flapping,hostile") {
                StressPlan.Behaviour(rawValue: $0) != nil
            }
        }
        seed = try Self.value(words.seed, or: 1, Reading.seed)
        via = try Self.value(words.via, or: .socket) { text throws(Refusal) in
            try Reading.choice(text, of: Via.self, "--via")
        }
        isSynthetic = words.isSynthetic
        faults = words.faults
        if let faults { try Self.refuseUnknown(faults) }
    }

    private static func refuseUnknown(_ faults: String) throws(Refusal) {
        do throws(FaultSpecError) {
            _ = try FaultSpec(faults)
        } catch {
            throw Refusal(error.userMessage, error.exitStatus)
        }
    }

    /// What was said, read; or what holds when nothing was.
    private static func value<Value>(
        _ said: String?, or usual: Value, _ read: (String) throws(Refusal) -> Value
    ) throws(Refusal) -> Value {
        guard let said else { return usual }
        return try read(said)
    }

    private static func refuseContradictions(_ words: StressWords, _ profile: StressProfile?) throws(Refusal) {
        if words.burst != nil, words.sessions != nil || words.rate != nil {
            throw Refusal("--burst says how many sessions there are and when; leave --sessions and --rate out.", .usage)
        }
        if profile == .day, words.burst != nil || words.rate != nil {
            throw Refusal("A day has a curve of its own; leave --burst and --rate out, or the profile.", .usage)
        }
        if profile != .day, words.length != nil {
            throw Refusal("--length is how long a day takes; it needs --profile day.", .usage)
        }
    }
}
