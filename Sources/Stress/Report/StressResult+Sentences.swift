extension StressResult {
    /// The run in one line: the last of every report.
    public var summary: String {
        var parts = [
            "\(countText(counts.started)) of \(countText(counts.planned, "session")) started"
                + (rates.starts > 0 && !options.arrivals.isAtOnce ? " at \(decimalText(rates.starts))/s" : "")
                + (options.arrivals.isAtOnce ? rates.up.map { " within \(spanText($0))" } ?? "" : "")
        ]
        if let start = latencies["start"] { parts.append("start p99 \(spanText(start.p99))") }
        if let picture = latencies["picture"] { parts.append("picture p99 \(spanText(picture.p99))") }
        if let gap = latencies["reconnect"] { parts.append("reconnect max \(spanText(gap.max))") }
        if !faults.isEmpty {
            let open = faults.count { $0.healed == nil }
            parts.append(countText(faults.count, "fault"))
            parts.append(open == 0 ? "all healed" : "\(countText(open)) not healed")
        }
        parts.append(countText(counts.failures, "failure"))
        if let ledger {
            parts.append(
                ledger.mismatches == 0 ? "the ledger agrees" : countText(ledger.mismatches, "ledger mismatch", "es"))
        }
        if let leftovers { parts.append(leftovers.isEmpty ? "nothing left" : countText(leftovers.count, "leftover")) }
        if wasStoppedEarly { parts.append("ended early") }
        return "maxwell stress: " + parts.joined(separator: ", ") + (verdict.map { "; \($0)." } ?? ".")
    }

    /// What came of the requirements together; nil without any.
    public var verdict: String? {
        guard !verdicts.isEmpty else { return nil }
        let missed = verdicts.count { !$0.isMet }
        if missed == 0 {
            return verdicts.count == 1 ? "the requirement is met" : "all \(verdicts.count) requirements are met"
        }
        return "\(missed) of \(countText(verdicts.count, "requirement")) missed"
    }

    /// What the run did, in one sentence.
    var deed: String {
        let kind = options.isSynthetic ? "synthetic " : ""
        let faults = self.faults.isEmpty ? "" : ", with \(countText(self.faults.count, "fault")) on purpose"
        return
            "\(countText(counts.planned)) \(kind)session\(counts.planned == 1 ? "" : "s"), \(options.arrivals.text), with "
            + "\(countText(counts.viewersPlanned, "viewer")); the run took \(spanText(seconds))\(faults)."
    }
}

/// `1 mismatch`, `2 mismatches`.
private func countText(_ number: Int, _ what: String, _ plural: String) -> String {
    "\(countText(number)) \(what)\(number == 1 ? "" : plural)"
}

extension StressOptions.Arrivals {
    var isAtOnce: Bool { self == .atOnce }
}
