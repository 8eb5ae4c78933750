import SessionModel

/// A host with a pool, lived through second by second (in steps of a tenth): starts come, a warm display is handed over
/// where there is one, sessions end, the plan is asked once a second, displays take their time to be made.
struct PoolTrace {
    var rules = PoolPlan.Rules()
    var makesAtOnce = 2
    /// Seconds that one display takes to be made.
    var makeSeconds = 0.5
    /// Seconds a session lives.
    var sessionSeconds = 7200.0
    var maximumUses = 0
    /// MiB the host has for displays and sessions together; nil: it tells none.
    var memory: Int?
    /// MiB a session takes.
    var sessionMemory = 0
    /// Hosts the starts are spread over evenly; this is one of them.
    var sharing = 1

    /// How one second of it went.
    struct Second: Equatable {
        /// Starts that came.
        var starts = 0
        /// Those that were handed a ready display.
        var warm = 0
        /// Those that the host could not take at all: `max_uses`.
        var refused = 0
        /// At its end.
        var ready = 0
        var uses = 0
        var made = 0
        var ended = 0
        /// MiB left at its end.
        var left: Int?
    }

    /// Lives through `starts`, the number that come to this host in each second, all at its beginning.
    func live(_ starts: [Int]) -> [Second] {
        var seconds: [Second] = []
        var ready = 0
        var making: [Double] = []
        var waiting = 0
        var sessions: [Double] = []
        var target = 0.0
        /// Starts before each second.
        let before = starts.reduce(into: [0]) { sums, count in sums.append((sums.last ?? 0) + count) }
        func available() -> Int? {
            memory.map { $0 - (ready + making.count) * rules.perDisplayMemory - sessions.count * sessionMemory }
        }
        for (second, arriving) in starts.enumerated() {
            var now = Second(starts: arriving)
            sessions.removeAll { $0 <= Double(second) }
            for _ in 0..<arriving {
                if maximumUses > 0, sessions.count >= maximumUses {
                    now.refused += 1
                    continue
                }
                if ready > 0 {
                    ready -= 1
                    now.warm += 1
                }
                sessions.append(Double(second) + sessionSeconds)
            }
            let recent = PoolPlan.Starts(
                lastTen: (before[second + 1] - before[max(0, second - 9)]) * sharing,
                lastSixty: (before[second + 1] - before[max(0, second - 59)]) * sharing)
            let facts = PoolPlan.Facts(
                ready: ready, starting: making.count, recent: recent, sharing: sharing, refillSeconds: 1 + makeSeconds,
                uses: sessions.count, maximumUses: maximumUses, memoryAvailable: available())
            target = PoolPlan.target(facts, previous: target, elapsed: 1, rules: rules)
            let moves = PoolPlan.moves(facts, target: target)
            ready -= moves.end
            now.ended = moves.end
            waiting = moves.make
            for tenth in 0..<10 where waiting > 0 || !making.isEmpty {
                let time = Double(second) + Double(tenth) / 10
                let done = making.filter { $0 <= time }.count
                making.removeAll { $0 <= time }
                ready += done
                now.made += done
                while waiting > 0, making.count < makesAtOnce {
                    making.append(time + makeSeconds)
                    waiting -= 1
                }
            }
            now.ready = ready
            now.uses = sessions.count
            now.left = available()
            seconds.append(now)
        }
        return seconds
    }
}

extension Collection where Element == PoolTrace.Second {
    var starts: Int { reduce(0) { $0 + $1.starts } }
    var warm: Int { reduce(0) { $0 + $1.warm } }
    var made: Int { reduce(0) { $0 + $1.made } }
    var ended: Int { reduce(0) { $0 + $1.ended } }
    var ready: [Int] { map(\.ready) }
}
