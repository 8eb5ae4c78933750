import SessionModel

extension StressPlan {
    /// Seconds that everyone has been there before a storm.
    static let calmBeforeStorm = 10.0
    /// There are users `stress-0001` to `stress-9999`; the next session is the first one's again.
    static let users = 9999

    /// Decides every session and every viewer of `options`.
    public init(_ options: StressOptions) {
        // Each kind of choice has a sequence of its own: more viewers do not change who starts what, and when.
        var seeds = SeededGenerator(seed: options.seed)
        var momentChance = SeededGenerator(seed: seeds.next())
        var applicationChance = SeededGenerator(seed: seeds.next())
        var viewerChance = SeededGenerator(seed: seeds.next())

        let moments = options.arrivals.moments(options.sessions, &momentChance)
        let storms = options.profile == .storm ? [(moments.last ?? 0) + Self.calmBeforeStorm] : []
        let applications = options.applications.deal(options.sessions, &applicationChance)
        let holds = moments.map { options.hold(at: $0, storms: storms, &momentChance) }
        var viewers = ViewerDealer(options, &viewerChance)
        let sessions = moments.indices.map { index in
            Session(
                at: moments[index], user: index % Self.users + 1, application: applications[index],
                hold: holds[index], viewers: viewers.take(session: index, hold: holds[index], &viewerChance))
        }
        self.init(sessions: sessions, storms: storms, isSynthetic: options.isSynthetic)
    }
}

extension StressOptions.Arrivals {
    /// The share of a day's sessions that is asked for in each hour from midnight.
    static let hours: [Double] = [
        2, 1, 1, 1, 1, 1, 2, 5, 12, 20, 22, 18, 12, 16, 21, 20, 16, 10, 7, 6, 6, 5, 4, 3,
    ]

    /// When each of `count` sessions is asked for, in order.
    fileprivate func moments(_ count: Int, _ chance: inout SeededGenerator) -> [Double] {
        switch self {
        case .atOnce: return Array(repeating: 0, count: count)
        case .perSecond(let rate): return (0..<count).map { (Double($0) / rate).millionths }
        case .day(let length):
            let total = Self.hours.reduce(0, +)
            return (0..<count).map { _ in
                var left = chance.unit() * total
                var hour = 0
                while hour < Self.hours.count - 1, left >= Self.hours[hour] {
                    left -= Self.hours[hour]
                    hour += 1
                }
                return ((Double(hour) + left / Self.hours[hour]) / Double(Self.hours.count) * length).millionths
            }.sorted()
        }
    }
}

extension StressOptions {
    /// How long a session that is asked for at `moment` stays.
    fileprivate func hold(at moment: Double, storms: [Double], _ chance: inout SeededGenerator) -> Double {
        if let last = storms.last { return (last + hold - moment).millionths }
        switch profile {
        // They leave within a tenth of the time that they stayed.
        case .class: return (hold * (1 + chance.unit() / 10)).millionths
        // Most visits are short and some are long: three times a square, whose mean is 1. None outlasts the day.
        case .day:
            let chance = chance.unit()
            var rest = Double.infinity
            if case .day(let length) = arrivals { rest = length - moment }
            return max(min(3 * chance * chance * hold, rest), min(5, hold)).millionths
        case .storm, nil: return hold
        }
    }
}

/// Gives each session its viewers: their number, ways and behaviours are dealt out for the whole run, so that the
/// proportions are exact.
private struct ViewerDealer {
    private let counts: [Int]
    private var ways: [String]
    private var behaviours: [String]

    init(_ options: StressOptions, _ chance: inout SeededGenerator) {
        let total = Int((options.viewers * Double(options.sessions)).rounded())
        let each = total / options.sessions
        let more = total % options.sessions
        var counts = (0..<options.sessions).map { $0 < more ? each + 1 : each }
        chance.shuffle(&counts)
        self.counts = counts
        ways = options.ways.deal(total, &chance)
        behaviours = options.behaviours.deal(total, &chance)
    }

    /// The first comes as soon as the session is there, the others within its first quarter and ten seconds.
    /// Of several who would type the first does, and the others watch: nobody can tell whose key it was that changed the
    /// picture.
    mutating func take(session: Int, hold: Double, _ chance: inout SeededGenerator) -> [StressPlan.Viewer] {
        var isTypedIn = false
        return (0..<counts[session]).map { index in
            var behaviour = behaviours.popLast().flatMap(StressPlan.Behaviour.init) ?? .watcher
            if behaviour == .typist {
                if isTypedIn { behaviour = .watcher }
                isTypedIn = true
            }
            return StressPlan.Viewer(
                after: index == 0 ? 0 : (chance.unit() * min(hold / 4, 10)).millionths,
                way: ways.popLast().flatMap(StressPlan.Way.init) ?? .webSocket, behaviour: behaviour,
                seed: chance.next())
        }
    }
}
