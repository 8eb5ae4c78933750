/// What repeated runs of one thing took; milliseconds, 0 without a run.
struct Samples: Encodable {
    let name: String
    private var durations: [Duration] = []

    init(_ name: String, _ durations: [Duration] = []) {
        self.name = name
        self.durations = durations.sorted()
    }

    /// Adds a run.
    mutating func add(_ duration: Duration) {
        durations.append(duration)
        durations.sort()
    }

    var count: Int { durations.count }
    var minimum: Double { (durations.first ?? .zero).milliseconds }
    var maximum: Double { (durations.last ?? .zero).milliseconds }
    /// The middle one, or between the middle two.
    var median: Double {
        guard !durations.isEmpty else { return 0 }
        let upper = durations[durations.count / 2]
        let lower = durations[(durations.count - 1) / 2]
        return ((lower + upper) / 2).milliseconds
    }
    /// The shortest that at least nine of ten runs did not exceed.
    var ninetieth: Double {
        guard !durations.isEmpty else { return 0 }
        return durations[(durations.count * 9 + 9) / 10 - 1].milliseconds
    }

    private enum Key: String, CodingKey {
        case name, runs
        case median = "median_ms"
        case ninetieth = "p90_ms"
        case minimum = "min_ms"
        case maximum = "max_ms"
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(name, forKey: .name)
        try container.encode(median.hundredths, forKey: .median)
        try container.encode(ninetieth.hundredths, forKey: .ninetieth)
        try container.encode(minimum.hundredths, forKey: .minimum)
        try container.encode(maximum.hundredths, forKey: .maximum)
        try container.encode(count, forKey: .runs)
    }
}

extension Duration {
    var milliseconds: Double {
        let (seconds, attoseconds) = components
        return Double(seconds) * 1000 + Double(attoseconds) / 1e15
    }
    var seconds: Double { milliseconds / 1000 }
}

extension Double {
    /// Rounded to two digits after the point.
    var hundredths: Double { (self * 100).rounded() / 100 }
}
