import SessionModel
import SessionStore

/// Which relays live, by this controller's own clock: each counts its beats in the tables, and one whose figure stands
/// still is dead after a while.
struct RelayEars {
    private struct Sight {
        var record: RelayRecord
        var since: ContinuousClock.Instant
        /// Whether its figure has been seen to move.
        var isHeard = false
    }

    /// How long a relay that beats every 10 s may be silent.
    static let patience = Duration.seconds(30)
    /// How long until its views are taken for ended.
    static let lastPatience = Duration.seconds(60)

    /// By instance.
    private var seen: [String: Sight] = [:]
    /// The instances that were recorded at the last look.
    private var present: Set<String> = []
    private var began: ContinuousClock.Instant
    private var looked: ContinuousClock.Instant

    init(now: ContinuousClock.Instant) {
        began = now
        looked = now
    }

    /// Takes a look at the relays as they are recorded. After a time in which nobody could look, nobody is blamed for his
    /// silence in it.
    mutating func look(_ relays: [RelayRecord], now: ContinuousClock.Instant) {
        if now - looked > Self.patience {
            began = now
            seen = [:]
        }
        looked = now
        let isFirst = seen.isEmpty
        for relay in relays where seen[relay.instance]?.record != relay {
            // One that has come since the last look has beaten; of one that only its views tell of nobody knows.
            let isHeard = seen[relay.instance] != nil || !isFirst && !relay.name.isEmpty
            seen[relay.instance] = Sight(record: relay, since: now, isHeard: isHeard)
        }
        let present = Set(relays.map(\.instance))
        seen = seen.filter { present.contains($0.key) || now - $0.value.since < Self.patience }
        self.present = present
    }

    /// Whether viewers could come: to a relay that leaves none do.
    func sight(now: ContinuousClock.Instant) -> RelaySight {
        if seen.values.contains(where: { $0.isHeard && !$0.record.isLeaving && now - $0.since < Self.patience }) {
            return .heard
        }
        return now - began < Self.patience ? .unknown : .silent
    }

    /// The relays' lives that are over.
    func dead(now: ContinuousClock.Instant) -> [String] {
        seen.filter { present.contains($0.key) && now - $0.value.since >= Self.lastPatience }.keys.sorted()
    }
}
