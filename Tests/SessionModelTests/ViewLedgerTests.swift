import SessionModel
import Testing

@Suite("the ledger of views")
struct ViewLedgerTests {
    @Test("every second is counted once")
    func union() {
        #expect(ViewLedger.watched([]) == 0)
        let views = [(0, 10), (2, 3), (10, 5), (20, 1), (19, -4)].map { view(began: $0.0, seconds: $0.1) }
        #expect(ViewLedger.watched(views) == 16)
    }

    @Test("a jump of wall time between two openings invents and loses nothing", arguments: [-3600.0, -5, 5, 3600])
    func jump(by seconds: Double) {
        let views = [
            ViewInterval(clock: "a", began: 100, opened: 5000, seconds: 20),
            ViewInterval(clock: "a", began: 110, opened: 5010 + seconds, seconds: 20),
        ]
        #expect(ViewLedger.watched(views) == 30)
    }

    @Test("clocks are joined by wall time, and views that no clock measured lie where wall time had them")
    func clocks() {
        let views = [
            ViewInterval(clock: "a", began: 100, opened: 5000, seconds: 20),
            ViewInterval(clock: "b", began: 7, opened: 5010, seconds: 20),
            ViewInterval(clock: "", began: 0, opened: 5025, seconds: 10),
            ViewInterval(clock: "", began: 0, opened: 6000, seconds: 1),
        ]
        #expect(ViewLedger.watched(views) == 36)
    }

    @Test("figures that are none count as nothing")
    func garbage() {
        let views = [
            ViewInterval(clock: "a", began: .nan, opened: 1, seconds: 1),
            ViewInterval(clock: "a", began: 1, opened: .infinity, seconds: 1),
            ViewInterval(clock: "a", began: 1, opened: 1, seconds: -.infinity),
            ViewInterval(clock: "a", began: 1, opened: 1, seconds: .infinity),
            ViewInterval(clock: "a", began: 1, opened: 1, seconds: 2),
        ]
        #expect(ViewLedger.watched(views) == 2)
    }

    @Test("whatever happens, it is what a count second by second gives, and within its bounds", arguments: 0..<300)
    func histories(seed: Int) {
        var history = ViewHistory(seed: UInt64(seed))
        history.run(steps: 120)
        let views = history.views
        let watched = ViewLedger.watched(views)
        #expect(watched == Double(history.watchedSeconds))
        #expect(watched <= Double(history.wallSeconds))
        #expect(watched <= views.map(\.seconds).reduce(0, +))
        #expect(watched >= views.map(\.seconds).max() ?? 0)
        var random = SeededGenerator(seed: UInt64(seed))
        #expect(ViewLedger.watched(views.shuffled(using: &random)) == watched)
        if let chosen = views.indices.randomElement(using: &random) {
            var longer = views
            longer[chosen].seconds += 3
            #expect(ViewLedger.watched(longer) >= watched)
            var fewer = views
            fewer.remove(at: chosen)
            if history.boots == 1 { #expect(ViewLedger.watched(fewer) <= watched) }
        }
    }

    @Test("figures of any size keep within the bounds, in any order", arguments: 0..<200)
    func anyFigures(seed: Int) {
        var random = SeededGenerator(seed: UInt64(seed))
        let views = (0..<Int.random(in: 1...40, using: &random)).map { _ in
            ViewInterval(
                clock: ["a", "b", "c", ""].randomElement(using: &random) ?? "",
                began: .random(in: 0...1e7, using: &random), opened: .random(in: 8e8...9e8, using: &random),
                seconds: .random(in: 0...1e6, using: &random))
        }
        let watched = ViewLedger.watched(views)
        #expect(watched <= views.map(\.seconds).sorted().reduce(0, +))
        #expect(watched >= views.map(\.seconds).max() ?? 0)
        #expect(ViewLedger.watched(views.shuffled(using: &random)) == watched)
    }

    private func view(began: Double, seconds: Double) -> ViewInterval {
        ViewInterval(clock: "a", began: began, opened: 5000 + began, seconds: seconds)
    }
}

/// A session's life in whole seconds, with everything that may happen to its views; it counts beside them in which seconds
/// anybody was proven to watch.
struct ViewHistory {
    /// A view as a relay and the tables have it.
    private struct Live {
        var clock: String
        var began: Int
        var opened: Double
        var start: Int
        /// What the relay knows to be proven, and what the tables have of it.
        var proven: Int
        var kept: Int
    }

    private var random: SeededGenerator
    private var now = 0
    private var bootedAt = 0
    /// How far wall time is from true time, by jumps.
    private var jumped = 0.0
    private var live: [Live] = []
    private var ended: [Live] = []
    private(set) var boots = 1

    init(seed: UInt64) { random = SeededGenerator(seed: seed) }

    /// The views, those that are open with what is kept of them.
    var views: [ViewInterval] {
        (ended + live).map {
            ViewInterval(clock: $0.clock, began: Double($0.began), opened: $0.opened, seconds: Double($0.kept))
        }
    }

    /// Seconds since the session began.
    var wallSeconds: Int { now }

    /// Each second of true time in which a view is known to have lived, once.
    var watchedSeconds: Int {
        var seconds: Set<Int> = []
        for view in ended + live { seconds.formUnion(view.start..<(view.start + view.kept)) }
        return seconds.count
    }

    mutating func run(steps: Int) {
        for _ in 0..<steps { step() }
    }

    private mutating func step() {
        now += Int.random(in: 0...12, using: &random)
        switch Int.random(in: 0..<100, using: &random) {
        case ..<35:
            live.append(
                Live(
                    clock: "boot-\(boots)", began: now - bootedAt + 50, opened: 9e8 + Double(now) + jumped, start: now,
                    proven: 0, kept: 0))
        case ..<60:
            // A beat: the viewers prove their lives, and the tables hear of it.
            prove()
            for view in live.indices { live[view].kept = live[view].proven }
        case ..<70:
            // Proofs that a database that is away, or a dead controller, does not hear of.
            prove()
        case ..<88:
            guard let view = live.indices.randomElement(using: &random) else { return }
            prove()
            var gone = live.remove(at: view)
            gone.kept = gone.proven
            ended.append(gone)
        case ..<93:
            // The relay dies: what was kept is all there is.
            ended += live
            live = []
        case ..<98:
            // Only jumps within one boot: between boots wall time is all that is known.
            if boots == 1 { jumped += Double(Int.random(in: -500...500, using: &random)) }
        default:
            guard jumped == 0 else { return }
            ended += live
            live = []
            boots += 1
            now += 30
            bootedAt = now
        }
    }

    private mutating func prove() {
        for view in live.indices where Bool.random(using: &random) { live[view].proven = now - live[view].start }
    }
}
