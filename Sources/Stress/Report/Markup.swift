/// `text` as HTML and SVG show it, in an element or in quotes: whatever it was, it is text there.
func escaped(_ text: String) -> String {
    var escaped = ""
    for character in text {
        switch character {
        case "&": escaped += "&amp;"
        case "<": escaped += "&lt;"
        case ">": escaped += "&gt;"
        case "\"": escaped += "&quot;"
        case "'": escaped += "&#39;"
        default: escaped.append(character)
        }
    }
    return escaped
}

/// A table of HTML: the first column and those in `left` to the left.
struct MarkupTable {
    private let heading: [String]
    private let left: Set<Int>
    private var rows: [[String]] = []

    init(_ heading: [String], left: Set<Int> = [0]) {
        self.heading = heading
        self.left = left
    }

    var isEmpty: Bool { rows.isEmpty }

    /// Adds a row of plain text.
    mutating func add(_ row: [String]) { rows.append(row.map(escaped)) }

    /// Adds a row whose cells are HTML already.
    mutating func add(markup row: [String]) { rows.append(row) }

    var markup: String {
        func row(_ cells: [String], _ tag: String) -> String {
            "<tr>"
                + cells.enumerated().map { column, cell in
                    "<\(tag)\(left.contains(column) ? "" : " class=\"n\"")>\(cell)</\(tag)>"
                }.joined() + "</tr>\n"
        }
        return "<div class=\"wide\"><table>\n"
            + (heading.isEmpty ? "" : "<thead>\(row(heading.map(escaped), "th"))</thead>\n")
            + "<tbody>\n\(rows.map { row($0, "td") }.joined())</tbody></table></div>\n"
    }
}
