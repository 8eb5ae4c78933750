import Stress
import Synchronization

/// A gateway under load that is a quick start on this machine: faults happen to it meanwhile, and afterwards everything in
/// it that has a name is looked at.
public final class QuickStartField: StressField, Sendable {
    private let field: any StressField & Sendable
    private let quickStart: QuickStart
    private let faults: FaultSpec?
    private let seed: UInt64
    private let patience: Double
    private let state = Mutex(State())

    private struct State {
        var leftovers: Leftovers?
        var lastSession: UInt64 = 0
        var faults: FaultRun?
        var isStopped = false
    }

    /// What `field` does, on `quickStart`, with `faults` drawn from `seed`; nil: none. What is just going when the run is
    /// over has `patience` seconds to go.
    public init(
        _ field: any StressField & Sendable, on quickStart: QuickStart, faults: FaultSpec?, seed: UInt64,
        patience: Double = 30
    ) {
        self.field = field
        self.quickStart = quickStart
        self.faults = faults
        self.seed = seed
        self.patience = patience
    }

    public var gateway: String { field.gateway }

    /// Mends what an earlier run left broken, too: what comes then is this run's.
    public func look(before plan: StressPlan) throws {
        try quickStart.mendAll()
        try field.look(before: plan)
        let leftovers = try Leftovers(of: quickStart)
        let last = try quickStart.lastSession()
        state.withLock { state in
            state.leftovers = leftovers
            state.lastSession = last
        }
    }

    /// What faults broke is mended when it returns, whatever else went wrong; what could not be mended is told, and
    /// ``clean()`` tries again.
    public func run(_ plan: StressPlan, tell: @escaping (Observation) -> Void) throws {
        let clock = ContinuousClock.now
        let teller = Teller(tell)
        let faults = FaultRun(
            self.faults.map { FaultSchedule($0, during: plan, seed: seed) } ?? FaultSchedule(entries: []),
            in: quickStart, began: clock, tell: { teller.tell($0) })
        let isStopped = state.withLock { state in
            state.faults = faults
            return state.isStopped
        }
        if isStopped { faults.stop() }
        faults.start()
        let outcome = Result { try field.run(plan) { teller.tell($0) } }
        faults.stop()
        var troubles = faults.finish()
        do {
            troubles += try quickStart.wronglyEnded(after: state.withLock(\.lastSession), hit: faults.hit)
        } catch {
            troubles.append(.init("session: no look at the tables", error.operatorCause ?? error.userMessage))
        }
        for trouble in troubles { teller.tell(.trouble(at: (ContinuousClock.now - clock) / .seconds(1), trouble)) }
        try outcome.get()
    }

    public func stop() {
        let faults = state.withLock { state in
            state.isStopped = true
            return state.faults
        }
        faults?.stop()
        field.stop()
    }

    public func ledger() throws -> LedgerFigures? { try field.ledger() }

    /// Mends what is still broken, and cleans; that also where something cannot be mended.
    public func clean() throws {
        let mended = Result { try quickStart.mendAll() }
        let cleaned = Result { try field.clean() }
        // What is broken may be why the rest could not be cleaned.
        _ = try mended.get()
        try cleaned.get()
    }

    /// Those that the gateway knows of, and those that have a name on this machine.
    public func leftovers() throws -> [String]? {
        let known = try field.leftovers()
        guard let before = state.withLock(\.leftovers) else { return known }
        return (known ?? []) + (try before.found(within: patience))
    }

    /// One observation after the other, from whichever thread.
    private final class Teller: @unchecked Sendable {
        private let lock = Mutex(())
        /// Called with the lock held.
        private let heard: (Observation) -> Void

        init(_ heard: @escaping (Observation) -> Void) { self.heard = heard }

        func tell(_ observation: Observation) { lock.withLock { _ in heard(observation) } }
    }
}
