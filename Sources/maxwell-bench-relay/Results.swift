import FoundationEssentials

/// All figures of all runs, and what they come to.
struct Results {
    /// By test, contestant and figure, a value for each round.
    private var values: [String: [String: [String: [Int: Double]]]] = [:]
    private let order: [String]
    /// What went wrong.
    var faults: [String] = []

    /// `contestants` in the order in which they are told.
    init(_ contestants: [String]) { order = contestants }

    mutating func add(_ contestant: String, _ test: Test, _ figures: [Figure], round: Int) {
        for figure in figures {
            values[test.rawValue, default: [:]][contestant, default: [:]][figure.name, default: [:]][round] =
                figure.value
        }
    }

    private struct Summary: Codable {
        let median: Double
        /// The quartiles; of three values or fewer the least and the most.
        let low: Double
        let high: Double
        let values: [Double]

        init(_ values: [Double]) {
            let sorted = values.sorted()
            median = (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
            (low, high) = (sorted[sorted.count / 4], sorted[sorted.count - 1 - sorted.count / 4])
            self.values = values
        }
    }

    private func summary(_ test: Test, _ contestant: String, _ figure: String) -> Summary? {
        values[test.rawValue]?[contestant]?[figure].map { Summary(Array($0.values)) }
    }

    /// What `contestant` needs of what `other` needs, round by round: what the machine's neighbours do to one round they
    /// do to both.
    private func ratio(_ test: Test, _ contestant: String, to other: String, _ figure: String) -> Summary? {
        guard let own = values[test.rawValue]?[contestant]?[figure], let its = values[test.rawValue]?[other]?[figure]
        else { return nil }
        let ratios = own.compactMap { round, value in its[round].map { value / $0 } }
        return ratios.isEmpty ? nil : Summary(ratios)
    }

    /// A run's figures, for whoever watches.
    static func line(_ figures: [Figure]) -> String {
        figures.map { "\($0.name) \(short($0.value))" }.joined(separator: ", ")
    }

    /// A number with about three digits that say something.
    static func short(_ value: Double) -> String {
        let digits = value >= 100 ? 0 : value >= 10 ? 1 : 2
        let scale = [1.0, 10, 100][digits]
        let whole = Int((value * scale).rounded())
        guard digits > 0 else { return "\(whole)" }
        let text = String(whole % Int(scale))
        let padding = String(repeating: "0", count: max(0, digits - text.count))
        return "\(whole / Int(scale)).\(padding)\(text)"
    }

    private static func spread(_ summary: Summary) -> String {
        let median = short(summary.median)
        return summary.values.count > 1 ? "\(median) (\(short(summary.low))–\(short(summary.high)))" : median
    }

    private static let columns: [(heading: String, test: Test, figure: String)] = [
        ("bulk 1, CPU s/GB", .bulk1, "CPU s/GB"), ("bulk 16", .bulk16, "CPU s/GB"),
        ("VNC mix, µs/update", .mix, "CPU µs"),
        ("500 echoes, µs/message", .echo, "CPU µs"), ("full handshake, µs", .full, "CPU µs"),
        ("resumed, µs", .resumed, "CPU µs"), ("idle KiB at 1,000 (websockify: 200)", .idle, "KiB at 1,000"),
        ("at 9,900", .idle, "KiB at 9,900"),
    ]
    private static let others: [(heading: String, test: Test, figure: String)] = [
        ("bulk 1, MB/s", .bulk1, "MB/s"), ("bulk 16, MB/s", .bulk16, "MB/s"), ("mix p50, µs", .mix, "p50 µs"),
        ("p99", .mix, "p99 µs"), ("updates/s", .mix, "per second"), ("echo p50, µs", .echo, "p50 µs"),
        ("p99", .echo, "p99 µs"), ("full/s", .full, "per second"), ("resumed/s", .resumed, "per second"),
    ]

    /// Markdown.
    func tables(_ arguments: Arguments) -> String {
        let runs =
            arguments.quick
            ? "one short run"
            : "medians of \(arguments.repetitions) interleaved runs "
                + "(bulk twice, mix, echo and handshakes three times as many)"
        var text = "\(arguments.machine); \(arguments.versions); \(runs), quartiles in brackets.\n"
        for columns in [Results.columns, Results.others] {
            let shown = columns.filter { values[$0.test.rawValue] != nil }
            guard !shown.isEmpty else { continue }
            text += "\n| |" + shown.map { " \($0.heading) |" }.joined() + "\n|---|"
            text += shown.map { _ in "---:|" }.joined() + "\n"
            for name in order {
                text += "| \(name) |"
                for column in shown {
                    guard let summary = summary(column.test, name, column.figure) else {
                        text += " – |"
                        continue
                    }
                    text += " \(Results.spread(summary)) |"
                }
                text += "\n"
            }
        }
        text += ratios()
        let verified = order.filter { summary(.verify, $0, "verified MB") != nil }
        if !verified.isEmpty {
            text += "\nEvery byte of both directions was compared: \(verified.joined(separator: ", ")).\n"
        }
        for fault in faults { text += "\nNOT MEASURED: \(fault)\n" }
        return text
    }

    private static let peers = ["haproxy", "nginx", "hitch", "stunnel"]

    /// What a ratio has to stay below: of the relay to the best peer, of its WebSocket way to its plain one and to
    /// websockify.
    private static let goals: [(column: Int, best: Double, plain: Double, websockify: Double)] = [
        (0, 0.60, 1.25, 1), (1, 0.60, 1.25, 1), (2, 1, 1.25, 1), (3, 1, 1.25, 1), (4, 1, 1.25, 1), (5, 1, 1.25, 1),
        (6, 0.85, 1.25, 0.05), (7, 0.85, 1.25, 0.05),
    ]

    private struct Ratio: Codable {
        let test: String
        let to: String
        let ratio: Summary
        let goal: Double
        let holds: Bool
    }

    private func allRatios() -> [Ratio] {
        var all: [Ratio] = []
        for goal in Results.goals {
            let column = Results.columns[goal.column]
            func compare(_ name: String, _ others: [String], _ limit: Double, byMoreThanSpread: Bool) {
                let best = others.compactMap { other in
                    summary(column.test, other, column.figure).map { (other, $0.median) }
                }.min { $0.1 < $1.1 }
                guard let best, let ratio = ratio(column.test, name, to: best.0, column.figure) else { return }
                all.append(
                    Ratio(
                        test: column.heading, to: "\(name) / \(best.0)", ratio: ratio, goal: limit,
                        holds: byMoreThanSpread ? ratio.high < limit : ratio.median <= limit))
            }
            compare("relay", Results.peers, goal.best, byMoreThanSpread: goal.best == 1)
            compare("relay-rfb", Results.peers, goal.best, byMoreThanSpread: goal.best == 1)
            compare("relay-ws", ["relay"], goal.plain, byMoreThanSpread: false)
            compare("relay-ws", ["websockify"], goal.websockify, byMoreThanSpread: false)
        }
        return all
    }

    private func ratios() -> String {
        let all = allRatios()
        guard !all.isEmpty else { return "" }
        var text = "\n| | | ratio | goal | |\n|---|---|---:|---:|---|\n"
        for one in all {
            let goal = one.goal == 1 ? "below 1" : "≤ \(Results.short(one.goal))"
            let holds = one.holds ? "holds" : "MISSED"
            text += "| \(one.test) | \(one.to) | \(Results.spread(one.ratio)) | \(goal) | \(holds) |\n"
        }
        return text
    }

    private struct Document: Codable {
        let machine: String
        let versions: String
        let figures: [String: [String: [String: Summary]]]
        let ratios: [Ratio]
        let faults: [String]
    }

    /// Everything, for a program.
    func json(_ arguments: Arguments) throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted]
        return try encoder.encode(
            Document(
                machine: arguments.machine, versions: arguments.versions,
                figures: values.mapValues { $0.mapValues { $0.mapValues { Summary(Array($0.values)) } } },
                ratios: allRatios(),
                faults: faults))
    }
}
