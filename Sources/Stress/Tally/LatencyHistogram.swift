import Histogram

/// How long one kind of thing took: any number of them in a room of one size, to three digits.
struct LatencyHistogram: Sendable {
    /// An hour, in µs: what took longer counts as this long, except in the maximum.
    private static let longest: UInt64 = 3_600_000_000

    private var counts = Histogram<UInt64>(highestTrackableValue: longest, numberOfSignificantValueDigits: .three)
    private(set) var count = 0
    private(set) var sum = 0.0
    private(set) var longest = 0.0

    /// Adds one that took so many seconds, 0 or more.
    mutating func add(_ seconds: Double) {
        _ = counts.record(min(UInt64(min(seconds, 4000) * 1e6), Self.longest))
        count += 1
        sum += seconds
        longest = max(longest, seconds)
    }

    /// Seconds that `percent` of them did not exceed.
    func percentile(_ percent: Double) -> Double {
        min(Double(counts.valueAtPercentile(percent)) / 1e6, longest)
    }

    /// Nil when there was none.
    var figures: LatencyFigures? {
        guard count > 0 else { return nil }
        return LatencyFigures(
            count: count, mean: (sum / Double(count)).millionths, p50: percentile(50).millionths,
            p90: percentile(90).millionths, p99: percentile(99).millionths, max: longest.millionths,
            ladder: LatencyFigures.rungs.map { $0 == 100 ? longest.millionths : percentile($0).millionths })
    }
}
