extension StressResult {
    /// The report for a terminal; its last line is ``summary``.
    public var text: String {
        let parts = [
            headSection, verdictSection, latencySection, countSection, failureSection, gatewaySection, hostSection,
            faultSection, ledgerSection,
            caveatSection, summary + "\n",
        ]
        return parts.filter { !$0.isEmpty }.joined(separator: "\n")
    }

    private var headSection: String {
        var rows = Rows(left: [0, 1])
        rows.add("gateway", oneLine(head.gateway))
        rows.add("run", deed)
        rows.add("began", "\(head.began), Maxwell \(head.release), seed \(options.seed)")
        return rows.text
    }

    private var verdictSection: String {
        guard !verdicts.isEmpty else { return "" }
        var rows = Rows(["REQUIRED", "MEASURED", ""], left: [0, 2])
        for verdict in verdicts { rows.add(verdict.requirement, verdict.measured, verdict.isMet ? "met" : "MISSED") }
        return rows.text
    }

    private var latencySection: String {
        var rows = Rows(["LATENCY", "p50", "p90", "p99", "max", "count"])
        for kind in Timed.allCases {
            guard let figures = latencies[kind.rawValue] else { continue }
            rows.add(
                kind.title, spanText(figures.p50), spanText(figures.p90), spanText(figures.p99), spanText(figures.max),
                countText(figures.count))
        }
        return rows.isEmpty ? "" : rows.text
    }

    private var countSection: String {
        var rows = Rows(left: [0, 1])
        for (name, text) in countLines { rows.add(name, text) }
        return rows.text
    }

    /// Counts and rates, a name and a sentence each.
    var countLines: [(String, String)] {
        var lines = [
            (
                "sessions",
                "\(countText(counts.started)) started, \(countText(counts.failed)) failed, "
                    + "\(countText(counts.stopped)) stopped; at most \(countText(counts.mostUp)) at a time"
            ),
            (
                "starts",
                "\(decimalText(rates.starts))/s, \(countText(rates.startsMost)) in the best second"
                    + (rates.up.map { "; the last answer came after \(spanText($0))" } ?? "")
            ),
        ]
        if counts.viewersPlanned > 0 { lines += viewerLines }
        if let statements = counters.statementsPerStart {
            lines.append(("database", "\(decimalText(statements)) statements for each start, all of the run's counted"))
        }
        if let hits = counters.poolHits, let misses = counters.poolMisses {
            lines.append(
                (
                    "ready displays",
                    "\(countText(Int(clamping: hits))) starts had one, \(countText(Int(clamping: misses))) had none"
                ))
        }
        return lines
    }

    private var viewerLines: [(String, String)] {
        let hostile = counts.viewersPlanned - counts.viewersWelcome
        let turnedAway =
            hostile > 0 ? "; \(countText(counts.turnedAway)) of \(countText(hostile)) hostile turned away" : ""
        return [
            (
                "viewers",
                "\(countText(counts.seen)) of \(countText(counts.viewersWelcome)) had a picture, at most "
                    + "\(countText(counts.mostWatching)) at a time; \(countText(counts.returned)) came back"
                    + turnedAway
            ),
            (
                "pictures",
                "\(countText(rates.updates)) updates, \(decimalText(rates.updatesPerViewer, digits: 2)) a second for "
                    + "each viewer; \(bytesText(Double(rates.bytes)))"
            ),
        ]
    }

    private var failureSection: String {
        guard !failures.isEmpty else { return "" }
        var rows = Rows(["FAILURES", "COUNT", "FIRST", "ITS OWN WORDS"], left: [0, 3])
        for failure in failures {
            rows.add(failure.kind, countText(failure.count), spanText(failure.at), failure.example)
        }
        return rows.text
    }

    private var gatewaySection: String {
        var rows = Rows([
            "PART", "CPU mean", "most", "each session", "memory first", "last", "most", "each session", "descriptors",
        ])
        func memory(_ kibibytes: Int?) -> String { kibibytes.map { memoryText(Double($0)) } ?? "-" }
        func count(_ number: Int?) -> String { number.map { "\($0)" } ?? "-" }
        for (name, part) in parts.sorted(by: { $0.key < $1.key }) {
            rows.add(
                oneLine(name, width: 40), percentText(part.cpuMean), percentText(part.cpuMost),
                part.cpuPerSession.map(spanText) ?? "-", memory(part.memoryFirst), memory(part.memoryLast),
                memory(part.memoryMost), part.memoryPerSession.map(memoryText) ?? "-",
                "\(count(part.descriptorsFirst)), \(count(part.descriptorsLast))")
        }
        return rows.isEmpty ? "" : rows.text
    }

    private var hostSection: String {
        var rows = Rows([
            "HOST", "sessions", "ready first", "least", "memory left first", "least", "last", "each session", "load",
        ])
        for (name, host) in hosts.sorted(by: { $0.key < $1.key }) {
            rows.add(
                oneLine(name, width: 40), countText(host.sessionsMost), countText(host.readyFirst),
                countText(host.readyLeast), memoryText(Double(host.memoryFirst) * 1024),
                memoryText(Double(host.memoryLeast) * 1024), memoryText(Double(host.memoryLast) * 1024),
                host.memoryPerSession.map { memoryText($0) } ?? "-", decimalText(host.loadMost, digits: 2))
        }
        return rows.isEmpty ? "" : rows.text
    }

    private var faultSection: String {
        var rows = Rows(["FAULT", "AT", "ALL WELL AFTER"])
        for fault in faults { rows.add(fault.name, spanText(fault.at), fault.healed.map(spanText) ?? "NEVER") }
        return rows.isEmpty ? "" : rows.text
    }

    private var ledgerSection: String {
        var rows = Rows(left: [0, 1])
        for (name, text) in afterwardsLines { rows.add(name, text) }
        return rows.text
    }

    /// What was found afterwards, a name and a sentence each.
    var afterwardsLines: [(String, String)] {
        var lines: [(String, String)] = []
        if let ledger {
            lines.append(
                (
                    "ledger",
                    "\(countText(ledger.views)) views, \(countText(ledger.rows)) rows: "
                        + (ledger.mismatches == 0 ? "they agree" : "\(countText(ledger.mismatches)) do not agree")
                ))
            lines += ledger.examples.map { ("", oneLine($0)) }
        } else {
            lines.append(("ledger", "not looked at"))
        }
        if let leftovers {
            lines.append(("left behind", leftovers.isEmpty ? "nothing" : countText(leftovers.count, "thing")))
            lines += leftovers.prefix(20).map { ("", $0) }
        } else {
            lines.append(("left behind", "not looked at"))
        }
        return lines
    }

    private var caveatSection: String { caveats.map { "  \($0)\n" }.joined() }
}
