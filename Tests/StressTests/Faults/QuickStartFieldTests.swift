import Dispatch
import Foundation
import Glibc
import Stress
import Synchronization
import Testing

@testable import StressFaults

/// A load that does nothing until it is stopped, or that many faults have been seen.
private final class IdleField: StressField, Sendable {
    private let stopped = Mutex(false)
    private let cleanings = Mutex(0)
    private let ends: @Sendable () -> Bool
    let gateway = "pretended"

    init(until ends: @escaping @Sendable () -> Bool) { self.ends = ends }

    /// How often it was cleaned.
    var cleaned: Int { cleanings.withLock { $0 } }

    func look(before plan: StressPlan) throws {}
    func run(_ plan: StressPlan, tell: @escaping (Observation) -> Void) throws {
        tell(.asked(session: 0, at: 0))
        while !stopped.withLock({ $0 }), !ends() { usleep(10_000) }
    }
    func stop() { stopped.withLock { $0 = true } }
    func ledger() throws -> LedgerFigures? { nil }
    func clean() throws { cleanings.withLock { $0 += 1 } }
    func leftovers() throws -> [String]? { ["a row"] }
}

@Suite("a load on a quick start with faults")
struct QuickStartFieldTests {
    private let plan = StressPlan(
        sessions: [.init(at: 0, user: 1, application: "xterm", hold: 1, viewers: [])], isSynthetic: true)

    @Test(
        "faults happen while the load runs, and are told beside what it tells; what is left by name is told with its own"
    )
    func whole() throws {
        let pretend = try PretendQuickStart()
        let seen = Seen()
        let field = QuickStartField(
            IdleField { seen.all.contains { if case .fault(_, _, .some) = $0 { true } else { false } } },
            on: try QuickStart(environment: pretend.environment), faults: try FaultSpec("cut:host:100ms@0s"), seed: 1,
            patience: 1)
        try field.look(before: plan)
        try field.run(plan) { seen.add($0) }
        #expect(seen.all.count == 3 && seen.all.contains(.asked(session: 0, at: 0)), "\(seen.all)")
        let host = try #require(pretend.told.first { $0.hasPrefix("--host") }?.split(separator: " ")[1])
        #expect(pretend.told.filter { $0 != "--names" } == ["--host \(host) cut", "--host \(host) mend"])
        try Data("here: file a\nexec2: mount /x\n".utf8).write(to: URL(fileURLWithPath: pretend.folder + "/names"))
        // It is waited for, as what ends by itself is.
        #expect(try field.leftovers() == ["a row", "exec2: mount /x"])
    }

    @Test("cleaning mends what is still broken, and the load is cleaned also where that fails")
    func cleaning() throws {
        let pretend = try PretendQuickStart()
        let load = IdleField { true }
        let field = QuickStartField(
            load, on: try QuickStart(environment: pretend.environment), faults: nil, seed: 1)
        try pretend.record("stress-faults", "cut:host exec1")
        try field.clean()
        #expect(pretend.told == ["--host exec1 mend"] && pretend.journal == nil)
        #expect(load.cleaned == 1)
        try pretend.record("stress-faults", "cut:host exec1")
        try pretend.program("checkout/deploy/quickstart", "echo 'no pliers'; exit 70")
        #expect(throws: QuickStartError.refused("quickstart --host exec1 mend", said: "no pliers\n")) {
            try field.clean()
        }
        #expect(load.cleaned == 2)
    }

    @Test(
        "a load that is stopped in the middle of a fault leaves nothing broken, and sessions that ended wrongly are told"
    )
    func stopped() throws {
        let pretend = try PretendQuickStart()
        try pretend.program("sql", "case \"$3\" in *ended*) printf '4\\tthe display died\\n5\\tstopped\\n' ;; esac")
        let seen = Seen()
        let field = QuickStartField(
            IdleField { false }, on: try QuickStart(environment: pretend.environment),
            faults: try FaultSpec("stop:database:10m@0s"), seed: 1)
        try field.look(before: plan)
        let done = DispatchSemaphore(value: 0)
        DispatchQueue.global().async {
            try? field.run(self.plan) { seen.add($0) }
            done.signal()
        }
        while !seen.all.contains(where: { if case .fault = $0 { true } else { false } }) { usleep(10_000) }
        field.stop()
        done.wait()
        #expect(pretend.journal == nil)
        guard case .trouble(_, .init("session: ended wrongly", "session 4: the display died")) = seen.all.last else {
            Issue.record("\(seen.all)")
            return
        }
    }
}
