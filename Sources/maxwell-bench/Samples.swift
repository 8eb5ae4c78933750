/// What repeated runs of one thing took.
struct Samples {
    let name: String
    private var durations: [Duration] = []

    init(_ name: String) { self.name = name }

    /// Adds a run.
    mutating func add(_ duration: Duration) {
        durations.append(duration)
        durations.sort()
    }

    var count: Int { durations.count }
    /// Milliseconds; 0 without a run, as the others.
    var minimum: Double { milliseconds(durations.first ?? .zero) }
    var maximum: Double { milliseconds(durations.last ?? .zero) }
    /// The middle one, or between the middle two.
    var median: Double {
        guard !durations.isEmpty else { return 0 }
        let upper = durations[durations.count / 2]
        let lower = durations[(durations.count - 1) / 2]
        return milliseconds((lower + upper) / 2)
    }
}

private func milliseconds(_ duration: Duration) -> Double {
    let (seconds, attoseconds) = duration.components
    return Double(seconds) * 1000 + Double(attoseconds) / 1e15
}
