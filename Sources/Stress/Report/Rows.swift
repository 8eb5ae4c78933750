/// A table for people: columns aligned, the first to the left and the others to the right unless told otherwise.
struct Rows {
    private let heading: [String]?
    private let leftColumns: Set<Int>
    private var rows: [[String]] = []

    init(_ heading: [String]? = nil, left: Set<Int> = [0]) {
        self.heading = heading
        leftColumns = left
    }

    var isEmpty: Bool { rows.isEmpty }

    /// Adds a row; all have as many columns.
    mutating func add(_ row: String...) { rows.append(row) }

    /// Two blanks in front of each line.
    var text: String {
        let all = (heading.map { [$0] } ?? []) + rows
        let columns = all.map(\.count).max() ?? 0
        let widths = (0..<columns).map { column in all.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0 }
        return all.map { row in
            var line = ""
            for (column, cell) in row.enumerated() {
                let blanks = String(repeating: " ", count: widths[column] - cell.count)
                line += "  " + (leftColumns.contains(column) ? cell + blanks : blanks + cell)
            }
            while line.last == " " { line.removeLast() }
            return line + "\n"
        }.joined()
    }
}
