/// What changed from one run to another.
public struct Comparison: Sendable {
    private let before: StressResult
    private let after: StressResult

    /// Compares `after` with `before`.
    public init(_ before: StressResult, _ after: StressResult) {
        self.before = before
        self.after = after
    }

    /// A line for each figure that either has: both, and the change in per cent.
    public var text: String {
        var rows = Rows(["", "A", "B", "CHANGE"])
        for figure in figures {
            rows.add(
                figure.name, figure.before.map(figure.text) ?? "-", figure.after.map(figure.text) ?? "-", figure.change)
        }
        return warnings.map { $0 + "\n" }.joined() + rows.text
    }

    /// What makes the two hard to compare.
    private var warnings: [String] {
        var differences: [String] = []
        if before.options.profile != after.options.profile { differences.append("the profile") }
        if before.options.isSynthetic != after.options.isSynthetic { differences.append("real and synthetic sessions") }
        if before.options.sessions != after.options.sessions { differences.append("the number of sessions") }
        if before.options.arrivals != after.options.arrivals { differences.append("the rate") }
        if before.options.hold != after.options.hold { differences.append("how long sessions stay") }
        if before.options.viewers != after.options.viewers || before.options.ways != after.options.ways
            || before.options.behaviours != after.options.behaviours
        {
            differences.append("the viewers")
        }
        if before.options.applications != after.options.applications { differences.append("the applications") }
        if before.options.via != after.options.via { differences.append("how sessions were asked for") }
        if before.options.seed != after.options.seed { differences.append("the seed") }
        if before.options.faults != after.options.faults { differences.append("the faults") }
        let early = [("A", before), ("B", after)].filter { $0.1.wasStoppedEarly }.map { "\($0.0) was ended early." }
        return early
            + (differences.isEmpty ? [] : ["These runs differ in " + differences.joined(separator: ", ") + "."])
    }

    private struct Figure {
        var name: String
        var before: Double?
        var after: Double?
        var text: (Double) -> String

        var change: String {
            guard let before, let after else { return "-" }
            if before == after { return "=" }
            guard before > 0 else { return before == 0 ? "new" : "-" }
            let share = after / before - 1
            return (share > 0 ? "+" : "") + percentText(share)
        }
    }

    private var figures: [Figure] {
        var figures: [Figure] = []
        func add(_ name: String, _ of: (StressResult) -> Double?, _ text: @escaping (Double) -> String) {
            let (one, other) = (of(before), of(after))
            if one != nil || other != nil { figures.append(Figure(name: name, before: one, after: other, text: text)) }
        }
        let whole = { (number: Double) in countText(Int(number)) }
        add("sessions started", { Double($0.counts.started) }, whole)
        add("failures", { Double($0.counts.failures) }, whole)
        for kind in Set((before.failures + after.failures).map(\.kind)).sorted() {
            let count = { (result: StressResult) in Double(result.failures.first { $0.kind == kind }?.count ?? 0) }
            add("  \(oneLine(kind, width: 60))", count, whole)
        }
        add("viewers without a picture", { Double($0.counts.unseen) }, whole)
        add("ledger mismatches", { $0.ledger.map { Double($0.mismatches) } }, whole)
        add("left behind", { $0.leftovers.map { Double($0.count) } }, whole)
        add("starts a second", { $0.rates.starts }) { decimalText($0, digits: 2) }
        add("until the last was up", { $0.rates.up }, spanText)
        for kind in Timed.allCases {
            add("\(kind.rawValue) p50", { $0.latencies[kind.rawValue]?.p50 }, spanText)
            add("\(kind.rawValue) p90", { $0.latencies[kind.rawValue]?.p90 }, spanText)
            add("\(kind.rawValue) p99", { $0.latencies[kind.rawValue]?.p99 }, spanText)
            add("\(kind.rawValue) max", { $0.latencies[kind.rawValue]?.max }, spanText)
        }
        add("updates a second and viewer", { $0.rates.updatesPerViewer }) { decimalText($0, digits: 2) }
        add("statements for each start", { $0.counters.statementsPerStart }) { decimalText($0) }
        add("starts on a display that waited", { ($0.counters.poolHits).map(Double.init) }, whole)
        add("starts on one made for it", { ($0.counters.poolMisses).map(Double.init) }, whole)
        for part in Set(before.parts.keys).union(after.parts.keys).sorted() {
            let name = oneLine(part, width: 40)
            add("\(name) CPU for each session", { $0.parts[part]?.cpuPerSession }, spanText)
            add("\(name) memory, most", { ($0.parts[part]?.memoryMost).map(Double.init) }, memoryText)
            add("\(name) memory, growth", { $0.parts[part]?.memoryGrowth }, percentText)
            add("\(name) memory for each session", { $0.parts[part]?.memoryPerSession }, memoryText)
            add("\(name) descriptors, most", { ($0.parts[part]?.descriptorsMost).map(Double.init) }, whole)
        }
        for host in Set(before.hosts.keys).union(after.hosts.keys).sorted() {
            add("\(oneLine(host, width: 40)) memory of a session", { $0.hosts[host]?.memoryPerSession }, memoryText)
            add("\(oneLine(host, width: 40)) load, most", { $0.hosts[host]?.loadMost }) { decimalText($0, digits: 2) }
        }
        return figures
    }
}
