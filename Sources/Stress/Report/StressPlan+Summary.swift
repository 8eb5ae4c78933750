extension StressPlan {
    /// What `--dry-run` prints: the plan of `options` in figures.
    public func summary(_ options: StressOptions) -> String {
        let viewers = sessions.flatMap(\.viewers)
        var rows = Rows(left: [0, 1])
        rows.add(
            "sessions",
            "\(countText(sessions.count)), \(isSynthetic ? "synthetic" : "real"), " + options.arrivals.text)
        rows.add("stay", holds)
        rows.add("applications", shares(sessions.map(\.application)))
        rows.add("viewers", countText(viewers.count))
        if !viewers.isEmpty {
            rows.add("ways", shares(viewers.map(\.way.rawValue)))
            rows.add("behaviours", shares(viewers.map(\.behaviour.rawValue)))
        }
        if !storms.isEmpty { rows.add("storms", "all viewers at " + storms.map(spanText).joined(separator: ", ")) }
        if let faults = faults(options) { rows.add("faults", faults) }
        rows.add(
            "at most",
            "\(countText(mostAtOnce.sessions, "session")), \(countText(mostAtOnce.viewers, "viewer")) at once")
        rows.add("takes", "about \(spanText(length))")
        rows.add("seed", String(options.seed))
        return rows.text
    }

    /// Seconds from the first start's word until the last session is stopped, if every start were answered at once.
    public var length: Double { sessions.map { $0.at + $0.hold }.max() ?? 0 }

    /// The most sessions and viewers that are there at a time, if every start were answered at once.
    public var mostAtOnce: (sessions: Int, viewers: Int) {
        (
            Self.most(sessions.map { ($0.at, $0.at + $0.hold) }),
            Self.most(
                sessions.flatMap { session in
                    session.viewers.filter { $0.after < session.hold }.map {
                        (session.at + $0.after, session.at + session.hold)
                    }
                })
        )
    }

    private static func most(_ spans: [(from: Double, to: Double)]) -> Int {
        // At one moment those that end go first.
        let changes = spans.flatMap { [($0.from, 1), ($0.to, -1)] }.sorted { ($0.0, $0.1) < ($1.0, $1.1) }
        var now = 0
        var most = 0
        for (_, change) in changes {
            now += change
            most = max(most, now)
        }
        return most
    }

    /// The first of the faults that `options` ask for; nil without any.
    private func faults(_ options: StressOptions) -> String? {
        guard let spec = options.faults.flatMap({ try? FaultSpec($0) }) else { return nil }
        let entries = FaultSchedule(spec, during: self, seed: options.seed).entries
        let first = entries.prefix(5).map { "\($0.fault.rawValue) at \(spanText($0.at.rounded()))" }
        return "\(countText(entries.count)): " + first.joined(separator: ", ") + (entries.count > 5 ? ", …" : "")
    }

    private var holds: String {
        let sorted = sessions.map(\.hold).sorted()
        guard let first = sorted.first, let last = sorted.last else { return "-" }
        return first == last
            ? spanText(first)
            : "\(spanText(first)) to \(spanText(last)), half of them longer than \(spanText(sorted[sorted.count / 2]))"
    }

    private func shares(_ names: [String]) -> String {
        Dictionary(names.map { ($0, 1) }, uniquingKeysWith: +).sorted { ($1.value, $0.key) < ($0.value, $1.key) }
            .map { "\(countText($0.value)) \($0.key)" }.joined(separator: ", ")
    }
}

extension StressOptions.Arrivals {
    /// As a sentence says it.
    var text: String {
        switch self {
        case .atOnce: "all at once"
        case .perSecond(let rate): decimalText(rate, digits: 3) + "/s"
        case .day(let length): "along a day that takes \(spanText(length))"
        }
    }
}
