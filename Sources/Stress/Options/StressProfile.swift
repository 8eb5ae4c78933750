/// A run of a known shape.
public enum StressProfile: String, Codable, CaseIterable, Sendable {
    /// A class: everyone comes at once, types for a while, and leaves.
    case `class`
    /// A day's curve, compressed: few at night, most in the morning and after noon; people of all kinds.
    case day
    /// Everyone watches, and at one moment everyone is cut and comes back at once.
    case storm

    /// What holds where the command line says nothing.
    struct Usual {
        var sessions = 100
        var arrivals = StressOptions.Arrivals.perSecond(10)
        var hold = 60.0
        var viewers = 1.0
        var ways = Shares(["websocket": 1])
        var behaviours = Shares(["watcher": 3, "typist": 1])
    }

    /// The defaults of `profile`, or of a run without one.
    static func usual(_ profile: StressProfile?) -> Usual {
        let mixed = Shares(["websocket": 8, "connect": 1, "native": 1])
        switch profile {
        case nil: return Usual()
        case .class:
            return Usual(arrivals: .atOnce, hold: 120, ways: mixed, behaviours: Shares(["typist": 8, "watcher": 2]))
        case .day:
            return Usual(
                sessions: 1000, arrivals: .day(1800), viewers: 1.5, ways: mixed,
                behaviours: Shares([
                    "watcher": 10, "typist": 6, "slow": 1, "vanishing": 1, "flapping": 1, "hostile": 1,
                ]))
        case .storm:
            return Usual(sessions: 1000, arrivals: .perSecond(50), hold: 30, behaviours: Shares(["watcher": 1]))
        }
    }
}
