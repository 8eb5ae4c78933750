/// What happened in each second of a run.
struct Seconds: Sendable {
    /// One second of it.
    struct Second: Sendable {
        var asked = 0
        var started = 0
        var failed = 0
        /// By how many the sessions that are up, and the viewers that have a picture, became more.
        var sessions = 0
        var viewers = 0
        var updates = 0
        var bytes = 0
        var starts: [Float] = []
        var pictures: [Float] = []
        var echoes: [Float] = []
        var gaps: [Float] = []
    }

    /// Ten days: what comes later is counted there.
    static let end = 864_000.0

    private(set) var all: [Second] = []

    /// The second of `moment`, made where there was none.
    subscript(at moment: Double) -> Second {
        get { all.indices.contains(Self.index(moment)) ? all[Self.index(moment)] : Second() }
        _modify {
            let index = Self.index(moment)
            if index >= all.count { all.append(contentsOf: repeatElement(Second(), count: index + 1 - all.count)) }
            yield &all[index]
        }
    }

    private static func index(_ moment: Double) -> Int { Int(min(max(moment, 0), end)) }
}
