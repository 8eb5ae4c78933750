/// A list for people: a heading where there is one, then a line per row, columns aligned.
struct TextTable {
    private var rows: [[String]]
    /// Columns that are aligned to the right: numbers.
    private let numbers: Set<Int>

    init(_ heading: [String]? = nil, numbers: Set<Int> = []) {
        rows = heading.map { [$0] } ?? []
        self.numbers = numbers
    }

    /// Adds a row; it has as many columns as the others.
    mutating func add(_ row: [String]) {
        rows.append(row.map { $0.isEmpty ? "-" : PrintedAnswer.oneLine($0) })
    }

    /// The lines, each with its end and without blanks before it.
    var text: String {
        let widths = (rows.first ?? []).indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        return rows.map { row in
            var line = ""
            for (column, cell) in row.enumerated() {
                let blanks = String(repeating: " ", count: widths[column] - cell.count)
                line += (column == 0 ? "" : "  ") + (numbers.contains(column) ? blanks + cell : cell + blanks)
            }
            while line.last == " " { line.removeLast() }
            return line + "\n"
        }.joined()
    }
}
