import Dispatch
import Glibc
import Stress
import Synchronization

/// Breaks a quick start as a schedule says, mends it each time, and sees that it becomes well again: one fault after the
/// other, on a thread of its own.
public final class FaultRun: Sendable {
    private struct State {
        var isStopped = false
        var problems: [Observation.Failure] = []
        var hit: Set<UInt64> = []
        var happened = 0
    }

    private let schedule: FaultSchedule
    private let quickStart: QuickStart
    private let began: ContinuousClock.Instant
    private let tell: @Sendable (Observation) -> Void
    private let state = Mutex(State())
    private let thread = DispatchGroup()

    /// A run of `schedule`, whose moments count from `began`. `tell` hears of each fault twice, from this run's own
    /// thread: when it strikes, and when the gateway is well again.
    public init(
        _ schedule: FaultSchedule, in quickStart: QuickStart, began: ContinuousClock.Instant,
        tell: @escaping @Sendable (Observation) -> Void
    ) {
        self.schedule = schedule
        self.quickStart = quickStart
        self.began = began
        self.tell = tell
    }

    /// Begins; returns at once. What an earlier run left broken is mended first. ``finish()`` has to follow.
    public func start() {
        DispatchQueue(label: "maxwell.faults").async(group: thread) { self.carryOut() }
    }

    /// No further fault; what is broken is mended without delay. From any thread.
    public func stop() { state.withLock { $0.isStopped = true } }

    /// Waits until every fault has happened, or ``stop()`` was called, and all is mended. What did not go as it should:
    /// what did not become well in its time, what could not be broken or mended.
    public func finish() -> [Observation.Failure] {
        thread.wait()
        return state.withLock { $0.problems }
    }

    /// The sessions that faults ended: their displays were killed.
    public var hit: Set<UInt64> { state.withLock { $0.hit } }
    /// How many faults there have been.
    public var happened: Int { state.withLock { $0.happened } }

    private var now: Double { (ContinuousClock.now - began) / .seconds(1) }
    private var isStopped: Bool { state.withLock { $0.isStopped } }
    private func complain(_ kind: String, _ example: String) {
        state.withLock { $0.problems.append(.init("fault: \(kind)", example)) }
    }

    private func carryOut() {
        do {
            try quickStart.mendAll()
        } catch {
            complain("not mended", "what an earlier run left: \(error.operatorCause ?? error.userMessage)")
        }
        // A controller that is busy may not tell at once; without hosts every fault would be healed at once.
        var hosts = quickStart.wellHosts()
        while hosts.isEmpty, !isStopped, let first = schedule.entries.first, now < first.at {
            usleep(200_000)
            hosts = quickStart.wellHosts()
        }
        if hosts.isEmpty, !isStopped, !schedule.entries.isEmpty {
            complain("no host", "no host took sessions before the first fault: whether they do again is not known")
        }
        for entry in schedule.entries {
            pause(until: entry.at)
            if isStopped { return }
            happen(entry, hosts)
        }
    }

    private func happen(_ entry: FaultSchedule.Entry, _ hosts: Set<String>) {
        let struck = now
        var damage: Damage?
        var isBroken = true
        do {
            damage = try quickStart.strike(entry)
            isBroken = damage != nil
        } catch {
            // It may be half broken.
            complain("not done", "\(entry.fault.rawValue): \(error.operatorCause ?? error.userMessage)")
        }
        if let damage {
            state.withLock { state in
                state.happened += 1
                state.hit.formUnion(damage.sessions)
            }
            tell(.fault(damage.text, at: struck, healed: nil))
        }
        if isBroken, let span = entry.span { pause(until: struck + span) }
        // Also where there was nothing of that kind to break: an earlier one may not be mended yet.
        for left in quickStart.damages() { mend(left) }
        if isBroken { awaitWell(after: damage, of: entry, struck, hosts) }
    }

    /// Tries until it is mended: another one may be at work with the quick start just now. That may take as long as the
    /// gateway may then take to be well.
    private func mend(_ damage: Damage) {
        let end = now + damage.fault.patience
        while true {
            do {
                return try quickStart.mend(damage)
            } catch {
                guard now < end else {
                    return complain("not mended", "\(damage.text): \(error.operatorCause ?? error.userMessage)")
                }
                usleep(500_000)
            }
        }
    }

    /// Waits until all is well after `damage` of `entry`; nil: of one that could not be done, or only by half.
    private func awaitWell(
        after damage: Damage?, of entry: FaultSchedule.Entry, _ struck: Double, _ hosts: Set<String>
    ) {
        let end = now + entry.fault.patience
        while !quickStart.isWell(hosts, after: damage) {
            guard now < end else {
                let name = damage?.text ?? entry.fault.rawValue
                return complain(
                    "not healed",
                    "\(name), \(Int(struck)) s into the run: the gateway was not well \(Int(now - struck)) s later")
            }
            usleep(200_000)
        }
        if let damage { tell(.fault(damage.text, at: struck, healed: now - struck)) }
    }

    /// Until that moment, or until ``stop()``.
    private func pause(until moment: Double) {
        while !isStopped, now < moment { usleep(UInt32(min(max(0.001, moment - now), 0.05) * 1_000_000)) }
    }
}
