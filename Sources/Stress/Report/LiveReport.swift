/// What is said while a run goes on: a block that is drawn again each second, or a line each five.
public struct LiveReport: Sendable {
    /// How it is said.
    public enum Style: Equatable, Sendable {
        /// On a terminal of so many columns.
        case block(columns: Int)
        case lines
    }

    private let style: Style
    private var next = 0.0
    /// Lines of the block that stands there.
    private var drawn = 0

    /// Nothing was said yet.
    public init(_ style: Style) { self.style = style }

    /// What to write now, when its time has come: ask after every observation.
    public mutating func text(_ tally: Tally) -> String? {
        guard tally.now >= next else { return nil }
        switch style {
        case .lines:
            next = (tally.now / 5).rounded(.down) * 5 + 5
            return tally.liveLine + "\n"
        case .block(let columns):
            next = tally.now.rounded(.down) + 1
            let lines = tally.liveBlock.map { String($0.prefix(max(20, columns - 1))) + "\n" }
            defer { drawn = lines.count }
            return erasure + lines.joined()
        }
    }

    /// What removes the block when the run is over.
    public mutating func end() -> String {
        defer { drawn = 0 }
        return erasure
    }

    /// Up to the block's first line, and away with all below (ECMA-48, CUU and ED).
    private var erasure: String { drawn > 0 ? "\u{1B}[\(drawn)A\u{1B}[J" : "" }
}

extension Tally {
    /// Starts answered in each of the last five whole seconds, on average.
    private var liveRate: Double {
        let last = Int(now)
        let span = max(0, last - 5)..<last
        return span.isEmpty
            ? 0 : Double(span.reduce(0) { $0 + seconds[at: Double($1)].started }) / Double(span.count)
    }

    fileprivate var liveLine: String {
        var parts = [
            "\(spanText(now.rounded(.down))):  sessions \(counts.asked) starting, \(counts.up) up, \(counts.stopped) ended, "
                + "\(counts.failed) failed",
            "\(counts.watching) watching", "\(decimalText(liveRate)) starts/s",
        ]
        for kind in [Timed.start, .picture, .echo, .reconnect] {
            if let figures = latencies[kind] {
                parts.append(
                    "\(kind.rawValue) p50 \(spanText(figures.percentile(50))) p99 \(spanText(figures.percentile(99)))")
            }
        }
        if counts.failures > 0 {
            let causes = failures.classes.prefix(3).map { "\($0.count) \($0.kind)" }.joined(separator: ", ")
            parts.append("\(counts.failures) failures (\(causes)\(failures.classes.count > 3 ? ", …" : ""))")
        }
        return parts.joined(separator: "; ")
    }

    fileprivate var liveBlock: [String] {
        let waiting = counts.planned - counts.started - counts.failed - counts.asked
        var lines = [
            "maxwell stress   \(spanText(now.rounded(.down))) of about \(spanText(plan.length))",
            "  sessions   \(waiting) to come   \(counts.asked) starting   \(counts.up) up   \(counts.stopped) ended   \(counts.failed) failed",
            "  viewers    \(counts.watching) watching   \(counts.seen) of \(counts.viewersWelcome) had a picture   \(counts.returned) came back",
            "  starts     \(decimalText(liveRate))/s",
        ]
        for kind in Timed.allCases {
            guard let figures = latencies[kind] else { continue }
            let name = kind.rawValue + String(repeating: " ", count: 11 - kind.rawValue.count)
            lines.append(
                "  \(name)p50 \(spanText(figures.percentile(50)))   p99 \(spanText(figures.percentile(99)))   "
                    + "max \(spanText(figures.longest))")
        }
        if let states = gateway.samples.last?.states.filter({ $0.value > 0 }), !states.isEmpty {
            lines.append(
                "  gateway    "
                    + states.sorted { $0.key < $1.key }.map { "\($0.value) \(oneLine($0.key, width: 20))" }
                    .joined(separator: "   "))
        }
        if let memory = gateway.samples.last?.parts.compactMapValues(\.memory), !memory.isEmpty {
            lines.append(
                "  memory     "
                    + memory.sorted { $0.key < $1.key }.map {
                        "\(oneLine($0.key, width: 20)) \(memoryText(Double($0.value)))"
                    }
                    .joined(separator: "   "))
        }
        lines += failures.classes.prefix(3).map { "  FAILED     \($0.count) \($0.kind)" }
        if let fault = faults.last {
            lines.append(
                "  fault      \(fault.name) at \(spanText(fault.at)), "
                    + (fault.healed.map { "all well after \(spanText($0))" } ?? "not well yet"))
        }
        return lines
    }
}
