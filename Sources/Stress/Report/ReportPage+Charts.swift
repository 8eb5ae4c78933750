extension ReportPage {
    /// Every curve that the run has something for.
    var charts: String {
        let whole = { (number: Double) in decimalText(number, digits: 2) }
        let all = [
            chart(
                "Sessions and viewers", "that are up, that have a picture",
                [("sessions", "sessions", 1), ("viewers", "viewers with a picture", 2)], whole),
            chart(
                "Starts", "a second", [("asked", "asked", 6), ("started", "answered", 1)] + failed, whole,
                faint: ["asked"]),
            latency("Start of a session", "start"),
            latency("First picture since the start", "picture"),
            latency("Key press to changed picture", "echo"),
            latency("Cut to picture again", "reconnect"),
            ladder,
            named("Processor time", "1 is one processor", "cpu ", whole),
            memory("Memory", "proportional share", "memory ", kibibytes: 1),
            memory("Memory left on hosts", "that programs can get", "available ", kibibytes: 1024),
            named("Sessions on hosts", "", "used ", whole),
            named("Load of hosts", "processes that run or wait, over a minute", "load ", whole),
            chart("Picture updates", "a second, to all viewers", [("updates", "updates", 3)], whole),
            chart("Picture bytes", "a second, to all viewers", [("bytes", "bytes", 4)]) {
                $0 == 0 ? "0" : bytesText($0)
            },
            named("Descriptors", "open at a time", "descriptors ", whole),
        ]
        return "<h2>How it went</h2>\n<div class=\"charts\">\n\(all.joined())</div>\n"
    }

    private var failed: [(String, String, Int)] {
        result.curves["failed"].contains { ($0 ?? 0) > 0 } ? [("failed", "failures", 5)] : []
    }

    private func chart(
        _ title: String, _ note: String, _ columns: [(String, String, Int)], _ text: @escaping (Double) -> String,
        faint: Set<String> = []
    ) -> String {
        let lines = columns.map { column, name, colour in
            Chart.Line(
                name: name, values: result.curves[column], colour: colour, isFaint: faint.contains(column),
                isFilled: ["sessions", "updates", "bytes"].contains(column))
        }
        let hasSomething = lines.contains { line in line.values.contains { ($0 ?? 0) > 0 } }
        return hasSomething ? chart(title, note, lines, text) : ""
    }

    private func chart(
        _ title: String, _ note: String, _ lines: [Chart.Line], _ text: @escaping (Double) -> String
    ) -> String {
        let rows = lines.map(\.values.count).max() ?? 0
        return Chart(
            title: title, note: note, lines: lines, step: result.curves.step,
            seconds: max(result.seconds, Double(rows) * result.curves.step), marks: marks, text: text
        ).markup
    }

    private var marks: [Chart.Mark] {
        result.storms.map { Chart.Mark(kind: "storm", name: "storm: every viewer is cut", at: $0) }
            + result.faults.map { Chart.Mark(kind: "fault", name: $0.name, at: $0.at) }
    }

    private func latency(_ title: String, _ column: String) -> String {
        chart(
            title, "of those in each \(spanText(result.curves.step))",
            [(column + ".p50", "half of them", 1), (column + ".max", "the slowest", 2)],
            { $0 == 0 ? "0" : spanText($0) })
    }

    /// Curves of memory, in the unit that gives its axis round numbers.
    private func memory(_ title: String, _ note: String, _ prefix: String, kibibytes: Double) -> String {
        let most =
            result.curves.names(after: prefix).flatMap { result.curves[prefix + $0] }.compactMap(\.self).max() ?? 0
        let (unit, name) = most * kibibytes < 2 * 1024 * 1024 ? (1024.0, "MiB") : (1024.0 * 1024, "GiB")
        return named(title, note, prefix, scaled: kibibytes / unit) {
            decimalText($0, digits: 2) + ($0 == 0 ? "" : " " + name)
        }
    }

    /// The curves whose names begin with `prefix`: those that reach highest, where there are more than a picture can tell apart.
    private func named(
        _ title: String, _ note: String, _ prefix: String, scaled scale: Double = 1,
        _ text: @escaping (Double) -> String
    ) -> String {
        let most = 6
        let names = result.curves.names(after: prefix)
        guard !names.isEmpty else { return "" }
        func highest(_ name: String) -> Double { result.curves[prefix + name].compactMap(\.self).max() ?? 0 }
        let shown = names.sorted { highest($1) < highest($0) }.prefix(most).sorted()
        let lines = shown.enumerated().map { index, name in
            Chart.Line(
                name: oneLine(name, width: 40), values: result.curves[prefix + name].map { $0.map { $0 * scale } },
                colour: index + 1)
        }
        let rest = names.count > most ? "the \(most) highest of \(names.count)" : ""
        return chart(title, [note, rest].filter { !$0.isEmpty }.joined(separator: "; "), lines, text)
    }

    /// What each per cent of the starts, pictures, echoes and gaps did not exceed.
    private var ladder: String {
        let kinds: [(Timed, Int)] = [(.start, 1), (.picture, 2), (.echo, 3), (.reconnect, 4), (.open, 6)]
        let lines = kinds.compactMap { kind, colour -> Chart.Line? in
            guard let figures = result.latencies[kind.rawValue], figures.ladder.count == LatencyFigures.rungs.count
            else { return nil }
            return Chart.Line(name: kind.title, values: figures.ladder.map { max($0, 1e-6) }, colour: colour)
        }
        guard !lines.isEmpty else { return "" }
        return Chart(
            title: "How many took how long", note: "per cent that took no longer; logarithmic", lines: lines, step: 1,
            seconds: Double(LatencyFigures.rungs.count), text: spanText,
            rungs: LatencyFigures.rungs.map { $0 == 100 ? "max" : $0 == 0 ? "min" : decimalText($0) }
        ).markup
    }
}
