import SessionModel
import Stress

/// A gateway that is only played: every plan has its observations, each at its moment, by a seed.
final class ScriptedField: StressField {
    let gateway = "gateway.example.org"
    /// What was asked of it, in order.
    private(set) var calls: [String] = []
    private(set) var isStopped = false
    /// Called before the observation at this place; it may throw, and a run may be stopped in it.
    var before: (Int) throws -> Void = { _ in }
    var refusal: Refusal?
    var ledgerRefusal: Refusal?
    var leftBehind: [String]? = []
    var account: LedgerFigures? = LedgerFigures(views: 0, rows: 0, mismatches: 0, examples: [])
    /// Said after everything else.
    var more: [Observation] = []
    /// Whether no viewer ever comes.
    var isBlind = false
    /// Seconds between updates of a picture.
    var pause = 0.5

    private var chance = SeededGenerator(seed: 7)

    func look(before plan: StressPlan) throws {
        calls.append("look")
        if let refusal { throw refusal }
    }

    func ledger() throws -> LedgerFigures? {
        calls.append("ledger")
        if let ledgerRefusal { throw ledgerRefusal }
        return account
    }

    func clean() throws { calls.append("clean") }

    func leftovers() throws -> [String]? {
        calls.append("leftovers")
        return leftBehind
    }

    func stop() { isStopped = true }

    func run(_ plan: StressPlan, tell: @escaping (Observation) -> Void) throws {
        calls.append("run")
        var script: [(at: Double, what: Observation)] = []
        for (number, session) in plan.sessions.enumerated() { script += play(number, session, plan) }
        for second in 0...Int(plan.length) { script.append((Double(second), .sampled(sample(second, plan)))) }
        // In the order of time; at one moment in the order in which they were written.
        let sorted = script.enumerated().sorted { ($0.element.at, $0.offset) < ($1.element.at, $1.offset) }.map(
            \.element.what)
        for (place, observation) in (sorted + more).enumerated() {
            try before(place)
            if isStopped { return }
            tell(observation)
        }
    }

    /// What becomes of one session.
    private func play(
        _ number: Int, _ session: StressPlan.Session, _ plan: StressPlan
    ) -> [(at: Double, what: Observation)] {
        let took = span(0.018, 0.09)
        let up = session.at + took
        let end = up + session.hold
        let stop = span(0.02, 0.06)
        var script: [(at: Double, what: Observation)] = [
            (session.at, .asked(session: number, at: session.at)),
            (up, .started(session: number, at: up, took: took, number: UInt64(number + 1))),
            (end + stop, .stopped(session: number, at: end + stop, took: stop)),
        ]
        for (place, viewer) in session.viewers.enumerated() where !isBlind {
            let name = Observation.ViewerName(session: number, viewer: place)
            let open = up + viewer.after + span(0.006, 0.02)
            guard viewer.behaviour != .hostile else {
                script.append((open, .turnedAway(name, at: open)))
                continue
            }
            let seen = open + span(0.03, 0.15)
            script.append((open, .opened(name, at: open, took: open - up - viewer.after)))
            script.append((seen, .picture(name, at: seen, took: place == 0 ? seen - session.at : nil)))
            for storm in plan.storms where storm > seen && storm < end {
                let gap = span(0.2, 1.8)
                script.append((storm, .left(name, at: storm)))
                script.append((storm + gap, .returned(name, at: storm + gap, gap: gap)))
            }
            var moment = seen + span(0, pause)
            while moment < end {
                script.append((moment, .update(name, at: moment, bytes: 16_384)))
                if viewer.behaviour == .typist, chance.next() % 4 == 0 {
                    let echo = span(0.004, 0.05)
                    script.append((moment + echo, .echo(name, at: moment + echo, took: echo)))
                }
                moment += pause
            }
            script.append((end, .left(name, at: end)))
        }
        return script
    }

    /// Small spans are frequent, large ones are not.
    private func span(_ least: Double, _ most: Double) -> Double {
        let unit = Double(chance.next() >> 11) * 0x1p-53
        let microseconds = (least + (most - least) * unit * unit * unit) * 1e6
        return microseconds.rounded() / 1e6
    }

    private func sample(_ second: Int, _ plan: StressPlan) -> Sample {
        let now = Double(second)
        let up = plan.sessions.count { $0.at <= now && now < $0.at + $0.hold }
        let begun = plan.sessions.count { $0.at <= now }
        return Sample(
            at: now,
            parts: [
                "controller": Sample.Part(
                    processes: 1, cpu: 1 + Double(begun) * 0.004, memory: 21_000 + up * 6, descriptors: 34 + up / 50),
                "relay": Sample.Part(
                    processes: 1, cpu: 0.5 + now * 0.05 + Double(begun) * 0.01, memory: 14_000 + up * 42,
                    descriptors: 24 + up * 2),
                "database": Sample.Part(
                    processes: 1, cpu: 9 + Double(begun) * 0.003, memory: 98_000 + up, descriptors: 60),
            ],
            hosts: [
                "exec1": Sample.Host(
                    memoryAvailable: 11_000 - up / 2, load: 0.4 + Double(up) / 900, ready: max(0, 8 - up / 2),
                    used: up - up / 2),
                "exec2": Sample.Host(
                    memoryAvailable: 10_900 - up / 2, load: 0.3 + Double(up) / 900, ready: 8, used: up / 2),
            ],
            counters: [
                "statements": UInt64(500 + begun * 14), "ping": 3, "pool.hits": UInt64(begun), "pool.misses": 0,
            ],
            states: ["running": up])
    }
}
