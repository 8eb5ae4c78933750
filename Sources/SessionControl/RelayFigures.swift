import ControlProtocol

/// What relays counted when they were heard last, as `maxwell counters` shows it.
struct RelayFigures {
    private struct Sheet {
        var place: String
        var figures: [String: UInt64]
        var at: ContinuousClock.Instant
    }

    /// Figures of one relay, and relays, that are kept at most.
    private static let most = 100

    /// By instance.
    private var sheets: [String: Sheet] = [:]

    /// A beat without figures leaves those that were told before.
    mutating func heard(_ beat: RelayBeat, now: ContinuousClock.Instant) {
        sheets = sheets.filter { now - $0.value.at < RelayEars.lastPatience }
        guard !beat.figures.isEmpty, sheets[beat.instance] != nil || sheets.count < Self.most else { return }
        // A name is the machine's and then where it listens; a life that leaves is told from its successor.
        var place = String(beat.name.drop { $0 != " " }.dropFirst().prefix(80))
        if place.isEmpty { place = String(beat.name.prefix(80)) }
        if beat.isLeaving { place += " leaving \(beat.instance.prefix(8))" }
        let figures = beat.figures.sorted { $0.key < $1.key }.prefix(Self.most)
        sheets[beat.instance] = Sheet(
            place: place, figures: Dictionary(uniqueKeysWithValues: figures.map { ($0.key, $0.value) }), at: now)
        // Whoever had the place before has gone.
        for (instance, sheet) in sheets where instance != beat.instance && sheet.place == place {
            sheets[instance] = nil
        }
    }

    /// `relay.PLACE.FIGURE`.
    func counters(now: ContinuousClock.Instant) -> [String: UInt64] {
        var counters: [String: UInt64] = [:]
        for sheet in sheets.values where now - sheet.at < RelayEars.lastPatience {
            for (name, value) in sheet.figures { counters["relay.\(sheet.place).\(name.prefix(80))"] = value }
        }
        return counters
    }
}
