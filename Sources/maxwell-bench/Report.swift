/// The figures, for a person or a program.
enum Report {
    /// A table with a head; milliseconds.
    static func table(_ all: [Samples]) -> String {
        let head = ["", "median ms", "min ms", "max ms", "runs"]
        let rows = all.map { samples in
            [
                samples.name, rounded(samples.median), rounded(samples.minimum), rounded(samples.maximum),
                String(samples.count),
            ]
        }
        let widths = head.indices.map { column in ([head] + rows).map { $0[column].count }.max() ?? 0 }
        return ([head] + rows).map { row in
            zip(row, widths).enumerated().map { column, cell in
                let space = String(repeating: " ", count: cell.1 - cell.0.count)
                return column == 0 ? cell.0 + space : space + cell.0
            }.joined(separator: "  ") + "\n"
        }.joined()
    }

    /// One JSON object a word; the names have no character that JSON escapes.
    static func json(_ all: [Samples]) -> String {
        let objects = all.map { samples in
            """
            {"name":"\(samples.name)","median_ms":\(rounded(samples.median)),"min_ms":\(rounded(samples.minimum)),\
            "max_ms":\(rounded(samples.maximum)),"runs":\(samples.count)}
            """
        }
        return "[" + objects.joined(separator: ",") + "]\n"
    }

    /// Two digits after the point.
    private static func rounded(_ value: Double) -> String {
        let hundredths = Int((value * 100).rounded())
        let rest = hundredths % 100
        return "\(hundredths / 100).\(rest < 10 ? "0" : "")\(rest)"
    }
}
