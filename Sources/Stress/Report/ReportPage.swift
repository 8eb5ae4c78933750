/// A result as one page of HTML: nothing is fetched, nothing runs in it.
public struct ReportPage: Sendable {
    let result: StressResult

    /// The page of `result`.
    public init(_ result: StressResult) { self.result = result }

    /// The whole file.
    public var markup: String {
        let title = "maxwell stress: \(escaped(oneLine(result.head.gateway))), \(escaped(result.head.began))"
        return """
            <!DOCTYPE html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
            <title>\(title)</title>
            <style>
            \(Self.style)
            </style>
            </head>
            <body>
            <main>
            \(header)\(tiles)\(requirements)\(failures)\(faults)\(charts)\(latencies)\(afterwards)\(gateway)\(hosts)\(manner)\
            <footer>Made by maxwell stress, Maxwell \(escaped(result.head.release)). \
            Durations are those that viewers and the asking side measured; percentiles are exact to three digits.</footer>
            </main>
            </body>
            </html>

            """
    }

    private var header: String {
        """
        <header>
        <small>Maxwell stress report</small>
        <h1>\(escaped(oneLine(result.head.gateway)))</h1>
        <p>\(escaped(result.deed))\(result.wasStoppedEarly ? " It was ended before its plan was carried out." : "")</p>
        <p class="soft">\(escaped(result.head.began)) · Maxwell \(escaped(result.head.release)) · seed \(result.options.seed)</p>
        \(verdict)
        </header>

        """
    }

    private var verdict: String {
        guard let verdict = result.verdict else {
            return result.counts.failures == 0
                ? "<span class=\"verdict good\">✓ no failures</span>"
                : "<span class=\"verdict bad\">✗ \(countText(result.counts.failures, "failure"))</span>"
        }
        return result.isGood
            ? "<span class=\"verdict good\">✓ \(verdict)</span>" : "<span class=\"verdict bad\">✗ \(verdict)</span>"
    }

    private var tiles: String {
        var tiles: [String] = []
        func add(_ figure: String, _ name: String, _ more: String = "", isGood: Bool? = nil) {
            let kind = isGood.map { $0 ? " class=\"good\"" : " class=\"bad\"" } ?? ""
            tiles.append(
                "<div class=\"tile\"><b\(kind)>\(escaped(figure))</b>\(escaped(name))"
                    + (more.isEmpty ? "" : "<span>\(escaped(more))</span>") + "</div>\n")
        }
        let counts = result.counts
        add(
            countText(counts.started), "sessions started",
            counts.started == counts.planned
                ? "all that were planned" : "of \(countText(counts.planned)) planned",
            isGood: counts.started == counts.planned ? nil : false)
        if result.options.arrivals.isAtOnce, let up = result.rates.up {
            add(
                spanText(up),
                counts.started == counts.planned ? "until all were up" : "until the last that came was up",
                "\(decimalText(result.rates.starts)) a second")
        } else {
            add(decimalText(result.rates.starts) + "/s", "starts", "best second \(countText(result.rates.startsMost))")
        }
        for (kind, name) in [(Timed.start, "start"), (.picture, "first picture"), (.echo, "key press to picture")] {
            if let figures = result.latencies[kind.rawValue] {
                add(spanText(figures.p99), "\(name), p99", "median \(spanText(figures.p50))")
            }
        }
        if let gaps = result.latencies[Timed.reconnect.rawValue] {
            add(spanText(gaps.max), "longest gap of a viewer", "\(countText(gaps.count)) came back")
        }
        if !result.faults.isEmpty {
            let open = result.faults.count { $0.healed == nil }
            let slowest = result.latencies[Timed.heal.rawValue].map { "slowest \(spanText($0.max))" } ?? ""
            add(
                countText(result.faults.count), result.faults.count == 1 ? "fault on purpose" : "faults on purpose",
                open == 0 ? "all healed, \(slowest)" : "\(countText(open)) did not heal",
                isGood: open == 0 ? nil : false)
        }
        add(
            countText(counts.failures), counts.failures == 1 ? "failure" : "failures",
            result.failures.first.map { "most: \($0.kind)" } ?? "of any kind", isGood: counts.failures == 0)
        if let ledger = result.ledger {
            add(
                ledger.mismatches == 0 ? "exact" : countText(ledger.mismatches),
                ledger.mismatches == 0 ? "ledger" : "wrong in the ledger",
                "of \(countText(ledger.views, "view"))", isGood: ledger.mismatches == 0)
        }
        if let leftovers = result.leftovers {
            add(
                leftovers.isEmpty ? "nothing" : countText(leftovers.count), "left behind", "on hosts and in tables",
                isGood: leftovers.isEmpty)
        }
        // In rows of the same length, at most six in a row.
        let rows = (tiles.count + 5) / 6
        return
            "<div class=\"tiles\" style=\"--columns: \((tiles.count + rows - 1) / rows)\">\n\(tiles.joined())</div>\n"
    }

    private var requirements: String {
        guard !result.verdicts.isEmpty else { return "" }
        var table = MarkupTable(["Required", "Measured", ""], left: [0, 2])
        for verdict in result.verdicts {
            table.add(markup: [
                "<code>\(escaped(verdict.requirement))</code>", escaped(verdict.measured),
                verdict.isMet ? "<span class=\"tag good\">✓ met</span>" : "<span class=\"tag bad\">✗ missed</span>",
            ])
        }
        return "<h2>What was required</h2>\n" + table.markup
    }

    private var latencies: String {
        var table = MarkupTable(["", "p50", "p90", "p99", "Max", "Mean", "Count"])
        for kind in Timed.allCases {
            guard let figures = result.latencies[kind.rawValue] else { continue }
            table.add(
                [kind.title]
                    + [figures.p50, figures.p90, figures.p99, figures.max, figures.mean].map(spanText)
                    + [countText(figures.count)])
        }
        return table.isEmpty ? "" : "<h2>How long it took</h2>\n" + table.markup
    }

    private var failures: String {
        guard !result.failures.isEmpty else { return "" }
        var table = MarkupTable(["Failures", "Count", "First at", "Its own words"], left: [0, 3])
        for failure in result.failures {
            table.add([failure.kind, countText(failure.count), spanText(failure.at), failure.example])
        }
        return "<h2>What went wrong</h2>\n" + table.markup
    }

    /// Kinds of faults with how often and how long; each of them is told below, folded where they are many.
    private var faults: String {
        guard !result.faults.isEmpty else { return "" }
        let kinds = Dictionary(grouping: result.faults) { $0.name.prefix { $0 != " " } }
        var summary = MarkupTable(["Fault", "Times", "All well after, median", "Slowest"])
        for (kind, faults) in kinds.sorted(by: { $0.key < $1.key }) {
            let spans = faults.compactMap(\.healed).sorted()
            let slowest = spans.count == faults.count ? spans.last.map(spanText) : nil
            summary.add(markup: [
                escaped(String(kind)), countText(faults.count), spans.isEmpty ? "–" : spanText(spans[spans.count / 2]),
                slowest ?? Self.never,
            ])
        }
        var each = MarkupTable(["Fault", "At", "All well after"])
        for fault in result.faults {
            each.add(markup: [escaped(fault.name), spanText(fault.at), fault.healed.map(spanText) ?? Self.never])
        }
        let isFolded = result.faults.count > 8
        return "<h2>Faults on purpose</h2>\n" + (isFolded ? summary.markup : each.markup)
            + (isFolded ? "<details><summary>Each of them</summary>\n\(each.markup)</details>\n" : "")
    }

    private static let never = "<span class=\"tag bad\">✗ never</span>"

    private var afterwards: String {
        var table = MarkupTable([], left: [0, 1])
        for (name, text) in result.countLines + result.afterwardsLines { table.add([capitalised(name), text]) }
        return "<h2>In figures</h2>\n" + table.markup
    }

    private var gateway: String {
        var table = MarkupTable([
            "Part", "CPU mean", "Most", "A session", "Memory first", "Last", "Most", "Growth", "A session",
            "Descriptors first", "Last", "Most",
        ])
        func memory(_ kibibytes: Int?) -> String { kibibytes.map { memoryText(Double($0)) } ?? "–" }
        func count(_ number: Int?) -> String { number.map { countText($0) } ?? "–" }
        for (name, part) in result.parts.sorted(by: { $0.key < $1.key }) {
            table.add([
                oneLine(name, width: 40), percentText(part.cpuMean), percentText(part.cpuMost),
                part.cpuPerSession.map(spanText) ?? "–", memory(part.memoryFirst), memory(part.memoryLast),
                memory(part.memoryMost),
                part.memoryGrowth.map(percentText) ?? "–", part.memoryPerSession.map(memoryText) ?? "–",
                count(part.descriptorsFirst), count(part.descriptorsLast), count(part.descriptorsMost),
            ])
        }
        guard !table.isEmpty else { return "" }
        return "<h2>Parts of the gateway</h2>\n" + table.markup
            + "<p class=\"soft\">100 % of CPU is one processor. Memory is the proportional share. Growth is that of the last "
            + "minute over the sixth; a shorter run has none. A session’s share is all processor time for each that was started, "
            + "and the growth to the most memory for each of the most that were up.</p>\n"
    }

    private var hosts: String {
        var table = MarkupTable([
            "Host", "Sessions, most", "Ready first", "Least", "Memory left first", "Least", "Last", "A session takes",
            "Load, most",
        ])
        for (name, host) in result.hosts.sorted(by: { $0.key < $1.key }) {
            table.add([
                oneLine(name, width: 40), countText(host.sessionsMost), countText(host.readyFirst),
                countText(host.readyLeast), memoryText(Double(host.memoryFirst) * 1024),
                memoryText(Double(host.memoryLeast) * 1024), memoryText(Double(host.memoryLast) * 1024),
                host.memoryPerSession.map { memoryText($0) } ?? "–", decimalText(host.loadMost, digits: 2),
            ])
        }
        return table.isEmpty ? "" : "<h2>Execution hosts</h2>\n" + table.markup
    }

    private var manner: String {
        let options = result.options
        var table = MarkupTable([], left: [0, 1])
        table.add(markup: [
            "Command",
            "<code>maxwell stress \(escaped(oneLine(result.head.words.joined(separator: " "), width: 2000)))</code>",
        ])
        table.add([
            "Sessions",
            "\(countText(options.sessions)), \(options.isSynthetic ? "synthetic" : "real"), \(options.arrivals.text)",
        ])
        if let profile = options.profile { table.add(["Profile", profile.rawValue]) }
        table.add(["Stay", spanText(options.hold) + (options.profile == .day ? " on average" : "")])
        table.add(["Applications", options.applications.description])
        table.add([
            "Viewers",
            "\(decimalText(options.viewers, digits: 2)) a session; ways \(options.ways); behaviours \(options.behaviours)",
        ])
        if let faults = options.faults { table.add(["Faults", oneLine(faults)]) }
        let caveats = result.caveats.map { "<li>\(escaped($0))</li>\n" }.joined()
        return "<h2>How this was run</h2>\n" + table.markup
            + (caveats.isEmpty ? "" : "<h2>What a synthetic run does not show</h2>\n<ul>\n\(caveats)</ul>\n")
    }

    private func capitalised(_ text: String) -> String { text.prefix(1).uppercased() + text.dropFirst() }
}
