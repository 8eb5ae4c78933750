/// One view as it was measured.
public struct ViewInterval: Equatable, Sendable {
    /// The clock it was measured by: one boot of one machine. Empty: none, only wall time is known of it.
    public var clock: String
    /// When it began, in seconds of that clock.
    public var began: Double
    /// When it began, in seconds of UTC since any fixed instant, as a wall clock had it then.
    public var opened: Double
    /// How long it lasted.
    public var seconds: Double

    /// A view that lasted so long.
    public init(clock: String, began: Double, opened: Double, seconds: Double) {
        self.clock = clock
        self.began = began
        self.opened = opened
        self.seconds = seconds
    }
}

/// What many views at a time come to.
public enum ViewLedger {
    /// Seconds in which at least one viewer watched. Views on one clock are laid beside each other by that clock alone;
    /// where it stands in wall time is taken once, from its earliest view, so that a jump of wall time between two
    /// openings invents and loses nothing. Clocks are joined by wall time. Whatever the views hold, it is at least the
    /// longest view and at most their sum; figures that are none count as 0.
    public static func watched(_ views: [ViewInterval]) -> Double {
        let views = views.filter { $0.seconds > 0 && $0.seconds.isFinite && $0.began.isFinite && $0.opened.isFinite }
        let clocks = Dictionary(grouping: views.filter { !$0.clock.isEmpty }, by: \.clock)
            .mapValues { $0.min { ($0.began, $0.opened) < ($1.began, $1.opened) } }
        // Times are told from the earliest view of a clock on, or from the earliest of all where they have none: small
        // figures lose no digits.
        let origin = views.map(\.opened).min() ?? 0
        let lone = clocks.count == 1 && views.allSatisfy { !$0.clock.isEmpty }
        let intervals = views.map { view -> (start: Double, length: Double) in
            guard let first = clocks[view.clock] ?? nil else { return (view.opened - origin, view.seconds) }
            return ((view.began - first.began) + (lone ? 0 : first.opened - origin), view.seconds)
        }.sorted { ($0.start, $0.length) < ($1.start, $1.length) }
        let total = unionLength(intervals)
        let longest = intervals.map(\.length).max() ?? 0
        let sum = intervals.map(\.length).sorted().reduce(0, +)
        return max(longest, min(total, sum))
    }

    /// How long at least one of the intervals lasted; they are in the order of their starts.
    private static func unionLength(_ intervals: [(start: Double, length: Double)]) -> Double {
        var total = 0.0
        var covered = -Double.infinity
        for interval in intervals {
            let end = interval.start + interval.length
            guard end > covered else { continue }
            total += interval.start > covered ? interval.length : end - covered
            covered = end
        }
        return total
    }
}
