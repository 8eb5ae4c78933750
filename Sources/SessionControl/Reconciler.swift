import SessionModel

/// When this controller looks at each host next, and what it found there the last time.
actor Reconciler {
    private struct Memory {
        var next: ContinuousClock.Instant
        var suspects: Set<Reconciliation.Repair> = []
        var isUnderWay = false
    }

    private var hosts: [HostName: Memory] = [:]

    /// How long a host that is in order is left alone.
    private static let pause = Duration.seconds(30)
    /// How soon it is looked at again before something is torn down.
    private static let secondLook = Duration.seconds(2)

    /// Has a host looked at as soon as may be: it was connected.
    func hurry(_ host: HostName) { hosts[host, default: Memory(next: .now)].next = .now }

    /// Those of `connected` whose turn it is; each is under way until ``looked(at:_:)`` or ``failed(_:)``.
    func due(of connected: some Sequence<HostName>) -> [HostName] {
        connected.filter { host in
            let memory = hosts[host] ?? Memory(next: .now)
            guard !memory.isUnderWay, memory.next <= .now else { return false }
            hosts[host, default: memory].isUnderWay = true
            return true
        }
    }

    /// Takes in what a look asks for and gives what may be done now: what takes something away only when the look before
    /// asked for it too.
    func looked(at host: HostName, _ repairs: [Reconciliation.Repair]) -> [Reconciliation.Repair] {
        let before = hosts[host]?.suspects ?? []
        let suspects = Set(repairs.filter(\.needsSecondLook))
        let fresh = suspects.subtracting(before)
        hosts[host] = Memory(next: .now + (fresh.isEmpty ? Self.pause : Self.secondLook), suspects: suspects)
        return repairs.filter { !$0.needsSecondLook || before.contains($0) }
    }

    /// The look did not come about.
    func failed(_ host: HostName) {
        hosts[host]?.isUnderWay = false
        hosts[host]?.next = .now + .seconds(5)
    }
}
