import SessionModel

/// The faults of one run, in their order: the same words, length and seed make the same schedule.
public struct FaultSchedule: Codable, Equatable, Sendable {
    /// One fault at its moment.
    public struct Entry: Codable, Equatable, Sendable {
        /// Seconds since the run began. It happens then, or when the one before it is over.
        public var at: Double
        public var fault: Fault
        /// Seconds until it is mended; nil for what is over at once.
        public var span: Double?
        /// What its victim is drawn from.
        public var chance: UInt64

        /// A fault at that moment.
        public init(at: Double, _ fault: Fault, span: Double? = nil, chance: UInt64) {
            self.at = at
            self.fault = fault
            self.span = span
            self.chance = chance
        }
    }

    public var entries: [Entry]

    /// Those faults.
    public init(entries: [Entry]) { self.entries = entries }

    /// The faults of `spec` in a run that lasts for so many seconds. What the seed places is in the run's first nine
    /// tenths, and not in its first twentieth: a run has begun then, and sees how the gateway does afterwards.
    public init(_ spec: FaultSpec, lasting length: Double, seed: UInt64) {
        var generator = SeededGenerator(seed: seed ^ 0x6661_756c_7473)
        let window = length * 0.05...max(length * 0.05, length * 0.9)
        var entries: [Entry] = []
        var turns: [FaultSpec.Item] = []
        for item in spec.items {
            switch item.times {
            case .at(let moments):
                entries += moments.map { Self.entry(item, at: $0, &generator) }
            case .count(let count):
                let places = Array(repeating: item, count: count)
                if spec.every == nil {
                    entries += places.map { Self.entry($0, at: Self.moment(in: window, &generator), &generator) }
                } else {
                    turns += places
                }
            }
        }
        if let every = spec.every, !turns.isEmpty {
            entries += Self.turns(of: turns, every: every, in: window, &generator)
        }
        self.init(entries: entries.sorted { $0.at < $1.at })
    }

    /// The faults of `spec` while `plan` is carried out.
    public init(_ spec: FaultSpec, during plan: StressPlan, seed: UInt64) {
        self.init(spec, lasting: plan.sessions.map { $0.at + $0.hold }.max() ?? 0, seed: seed)
    }

    /// Whether nothing happens in it.
    public var isEmpty: Bool { entries.isEmpty }

    /// Takes from a shuffled bag of `items`, which is filled again whenever it is empty: all come equally often.
    private static func turns(
        of items: [FaultSpec.Item], every: Double, in window: ClosedRange<Double>,
        _ generator: inout SeededGenerator
    ) -> [Entry] {
        var entries: [Entry] = []
        var bag: [FaultSpec.Item] = []
        var begin = window.lowerBound
        // More than this no run can have: each takes its time.
        while begin < window.upperBound, entries.count < 100_000 {
            if bag.isEmpty {
                bag = items
                generator.shuffle(&bag)
            }
            let end = min(begin + every, window.upperBound)
            entries.append(entry(bag.removeLast(), at: moment(in: begin...end, &generator), &generator))
            begin += every
        }
        return entries
    }

    private static func moment(in span: ClosedRange<Double>, _ generator: inout SeededGenerator) -> Double {
        span.lowerBound + generator.unit() * (span.upperBound - span.lowerBound)
    }

    private static func entry(
        _ item: FaultSpec.Item, at moment: Double, _ generator: inout SeededGenerator
    ) -> Entry {
        Entry(at: moment, item.fault, span: item.span, chance: generator.next())
    }
}
