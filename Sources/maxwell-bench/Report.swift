import FoundationEssentials
import SessionModel

/// The figures, for a person as Markdown or for a program as JSON.
struct Report: Encodable {
    let version = maxwellVersion
    var figures: [Samples] = []
    var burst: Burst?
    var refill: [Refill]?

    /// One JSON object on a line, its keys in order.
    func json() throws(Refusal) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        do {
            return String(decoding: try encoder.encode(self), as: UTF8.self) + "\n"
        } catch {
            throw Refusal("The figures cannot be told as JSON.", .software, cause: "\(error)")
        }
    }

    /// Sentences and tables in Markdown, aligned for a terminal.
    var text: String {
        var parts: [String] = []
        if let burst { parts.append(burst.summary) }
        if !figures.isEmpty {
            parts.append(
                table(
                    ["", "median ms", "p90 ms", "min ms", "max ms", "runs"],
                    figures.map { samples in
                        [samples.name]
                            + [samples.median, samples.ninetieth, samples.minimum, samples.maximum].map(twoDigits)
                            + ["\(samples.count)"]
                    }))
        }
        if let refill {
            parts.append(
                table(
                    ["refill", "ready before", "at the last answer", "after", "in s", "made/s", "made/s afterwards"],
                    refill.map { host in
                        [
                            host.host, "\(host.before)", "\(host.left)", "\(host.after)", twoDigits(host.seconds),
                            twoDigits(host.rate), host.rateAfterwards.map(twoDigits) ?? "none missing",
                        ]
                    }))
        }
        return parts.joined(separator: "\n")
    }
}

extension Burst {
    /// What became of it, a sentence a line.
    fileprivate var summary: String {
        let failed = failures.reduce(0) { $0 + $1.count }
        var lines = [
            "\(asked) starts at once: \(started.count) succeeded, \(failed) failed, the last answer came after "
                + "\(twoDigits(lastAnswer.seconds)) s.",
            givenTwice.isEmpty
                ? "No display was given twice." : "\(givenTwice.count) DISPLAYS WERE GIVEN TWICE:",
        ]
        lines += givenTwice.map { "- \($0.host):\($0.display) to the sessions \($0.sessions.joined(separator: ", "))" }
        lines += failures.map { "- \($0.count) failed with status \($0.status): \($0.sentence)" }
        if !unlisted.isEmpty { lines.append("- Started and not listed: \(unlisted.joined(separator: ", "))") }
        lines.append(
            "\(stopped.count) sessions were stopped, eight at a time, in \(twoDigits(stopping.seconds)) s.")
        lines += notStopped.map { "- Not stopped: \($0)" }
        return lines.map { $0 + "\n" }.joined()
    }
}

/// A table whose first column is text and the others are numbers.
private func table(_ head: [String], _ rows: [[String]]) -> String {
    let widths = head.indices.map { column in ([head] + rows).map { $0[column].count }.max() ?? 0 }
    let rule = widths.enumerated().map { $0 == 0 ? String(repeating: "-", count: $1) : dashes($1) }
    return ([head, rule] + rows).map { row in
        "| "
            + zip(row, widths).enumerated().map { column, cell in
                let space = String(repeating: " ", count: cell.1 - cell.0.count)
                return column == 0 ? cell.0 + space : space + cell.0
            }.joined(separator: " | ") + " |\n"
    }.joined()
}

/// A rule that aligns its column to the right.
private func dashes(_ width: Int) -> String { String(repeating: "-", count: width - 1) + ":" }

/// Two digits after the point.
private func twoDigits(_ value: Double) -> String {
    let hundredths = Int((abs(value) * 100).rounded())
    let rest = hundredths % 100
    return "\(value < 0 ? "-" : "")\(hundredths / 100).\(rest < 10 ? "0" : "")\(rest)"
}
