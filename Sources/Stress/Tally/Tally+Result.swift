extension Tally {
    /// The result of what was seen so far.
    ///
    /// `wasStoppedEarly`: whether what is missing is missing because the run was ended; otherwise it is counted as failed.
    public func result(
        _ head: StressResult.Head, _ options: StressOptions, wasStoppedEarly: Bool, ledger: LedgerFigures?,
        leftovers: [String]?, requirements: [Requirement]
    ) -> StressResult {
        var whole = self
        if !wasStoppedEarly { whole.close() }
        return whole.closedResult(
            head, options, wasStoppedEarly: wasStoppedEarly, ledger: ledger, leftovers: leftovers,
            requirements: requirements)
    }

    private func closedResult(
        _ head: StressResult.Head, _ options: StressOptions, wasStoppedEarly: Bool, ledger: LedgerFigures?,
        leftovers: [String]?, requirements: [Requirement]
    ) -> StressResult {
        var figures: [String: LatencyFigures] = [:]
        for (kind, histogram) in latencies { figures[kind.rawValue] = histogram.figures }
        var result = StressResult(
            head: head, options: options, seconds: now.thousandths, wasStoppedEarly: wasStoppedEarly, counts: counts,
            latencies: figures, failures: failures.classes, rates: rates, parts: gateway.parts(counts),
            hosts: gateway.hosts,
            counters: counters, ledger: ledger, leftovers: leftovers.map { $0.map { oneLine($0) } }, faults: faults,
            storms: plan.storms, verdicts: [], caveats: options.caveats, curves: Curves(seconds, gateway))
        result.verdicts = requirements.map { $0.verdict(on: result) }
        return result
    }

    private var rates: StressResult.Rates {
        let span = startsSpan
        return StressResult.Rates(
            starts: span.map { $0 > 0 ? (Double(counts.started) / $0).thousandths : 0 } ?? 0,
            startsMost: seconds.all.map(\.started).max() ?? 0, up: span?.millionths, updates: updates, bytes: bytes,
            updatesPerViewer: viewerSeconds > 0 ? (Double(updates) / viewerSeconds).thousandths : 0)
    }

    /// Seconds from the first start's word to the last one's answer.
    var startsSpan: Double? {
        guard let firstAsked, let lastStarted else { return nil }
        return max(0, lastStarted - firstAsked)
    }

    private var counters: StressResult.Counters {
        let growth = gateway.growth
        return StressResult.Counters(
            statementsPerStart: growth["statements"].flatMap {
                counts.started > 0 ? (Double($0) / Double(counts.started)).thousandths : nil
            },
            // A synthetic display is none of a pool's.
            poolHits: plan.isSynthetic ? nil : growth["pool.hits"],
            poolMisses: plan.isSynthetic ? nil : growth["pool.misses"], all: growth.filter { $0.value > 0 })
    }
}

extension StressOptions {
    /// What a run of this kind does not show.
    var caveats: [String] {
        guard isSynthetic else { return [] }
        return [
            "The displays were synthetic: true RFB with moving pictures, served by one small process on each host.",
            "Not exercised: Xvnc, containers, namespaces and mounts, cgroups and limits, users' homes, the hand-over to a "
                + "waiting display, the applications, and the memory and processor time that all of them take on hosts.",
            "Exercised as always: the control socket or the command, the controller, the database, the channel to each host's "
                + "agent, the data link, the relay with TLS, and the accounts of sessions and views.",
        ]
    }
}
