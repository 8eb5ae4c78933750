/// A picture of curves over the time of a run, or over the rungs of a ladder, as SVG.
struct Chart {
    /// One curve.
    struct Line {
        var name: String
        var values: [Double?]
        /// Which of the page's colours, from 1.
        var colour: Int
        /// Drawn thinner, and broken: what was asked for, beside what was.
        var isFaint = false
        /// With the area below it, so that another one may lie on it.
        var isFilled = false
    }

    /// Something that happened at a moment.
    struct Mark {
        /// What many have in common: "storm", "fault".
        var kind: String
        var name: String
        var at: Double
    }

    let title: String
    /// What the figures are, in a few words.
    var note = ""
    var lines: [Line]
    /// Seconds that a row stands for.
    let step: Double
    /// How long the run took.
    let seconds: Double
    var marks: [Mark] = []
    /// How a figure of the vertical axis is written.
    let text: (Double) -> String
    /// The names of the rows, where they are not moments; the axis is logarithmic then.
    var rungs: [String] = []

    private static let width = 560.0
    private static let height = 216.0
    private static let left = 58.0
    private static let right = 14.0
    private static let top = 10.0
    private static let bottom = 28.0
    /// Strips that tell their figures under the pointer, at most.
    private static let mostStrips = 120

    /// The figure with its heading and names; nothing where no curve has a value.
    var markup: String {
        let values = lines.flatMap { $0.values.compactMap(\.self) }
        guard let most = values.max() else { return "" }
        let across = Scale(time: seconds)
        let up = rungs.isEmpty ? Scale(upTo: most) : Scale(logarithmic: values.filter { $0 > 0 })
        return """
            <figure class="card">
            <figcaption><b>\(escaped(title))</b>\(note.isEmpty ? "" : " <span>\(escaped(note))</span>")</figcaption>
            <svg viewBox="0 0 \(point(Self.width)) \(point(Self.height))" role="img" aria-label="\(escaped(description))">
            \(grid(across, up))\(drawn(across, up))\(strips(across))</svg>
            \(legend)</figure>

            """
    }

    /// For who cannot see it.
    private var description: String {
        title + ": "
            + lines.compactMap { line in
                line.values.compactMap(\.self).max().map { "\(line.name) at most \(text($0))" }
            }.joined(separator: ", ")
    }

    private var legend: String {
        let names = lines.filter { $0.values.contains { $0 != nil } }
        let isMarked = rungs.isEmpty && !marks.isEmpty
        return "<div class=\"legend\">"
            + names.map {
                "<span><i class=\"key c\($0.colour)\($0.isFaint ? " faint" : "")\"></i>\(escaped($0.name))</span>"
            }.joined() + (isMarked ? "<span><i class=\"key mark\"></i>\(escaped(markNames))</span>" : "") + "</div>"
    }

    private var markNames: String {
        Set(marks.map(\.kind)).sorted().reversed().joined(separator: " or ")
    }

    // MARK: Places

    private func x(_ share: Double) -> Double { Self.left + share * (Self.width - Self.left - Self.right) }
    private func y(_ share: Double) -> Double {
        Self.height - Self.bottom - share * (Self.height - Self.top - Self.bottom)
    }

    /// Where row `row` is: in the middle of its time, or at its rung.
    private func x(row: Int, _ across: Scale) -> Double {
        rungs.isEmpty
            ? x(across.place((Double(row) + 0.5) * step))
            : x((Double(row) + 0.5) / Double(rungs.count))
    }

    private func point(_ number: Double) -> String {
        let tenths = Int((number * 10).rounded())
        return tenths % 10 == 0 ? "\(tenths / 10)" : "\(tenths / 10).\(abs(tenths % 10))"
    }

    // MARK: Parts

    private func grid(_ across: Scale, _ up: Scale) -> String {
        let (from, to) = (point(x(0)), point(x(1)))
        var svg = ""
        for tick in up.ticks {
            let height = y(up.place(tick))
            svg += "<path class=\"grid\" d=\"M\(from) \(point(height))H\(to)\"/>"
            svg +=
                "<text class=\"tick end\" x=\"\(point(x(0) - 7))\" y=\"\(point(height + 3.7))\">\(escaped(text(tick)))</text>\n"
        }
        let names: [(Double, String)] =
            rungs.isEmpty
            ? across.ticks.map { (x(across.place($0)), $0 == 0 ? "0" : spanText($0)) }
            : rungs.enumerated().map { (x(row: $0, across), $1) }
        for (place, name) in names {
            // The last one ends with the picture.
            let isLast = place > x(1) - 20
            svg += "<text class=\"tick \(isLast ? "end" : "mid")\" x=\"\(point(isLast ? Self.width - 2 : place))\" "
            svg += "y=\"\(point(Self.height - 9))\">\(escaped(name))</text>"
        }
        guard rungs.isEmpty else { return svg + "\n" }
        for mark in marks {
            let place = point(x(across.place(mark.at)))
            svg +=
                "<path class=\"mark\(marks.count > 8 ? " many" : "")\" d=\"M\(place) \(point(y(0)))V\(point(y(1)))\"><title>"
            svg += "\(escaped(mark.name)) at \(spanText(mark.at))</title></path>"
        }
        return svg + "\n"
    }

    private func drawn(_ across: Scale, _ up: Scale) -> String {
        lines.map { line in
            var path = ""
            var dots = ""
            var area = ""
            for (row, value) in line.values.enumerated() {
                guard let value else { continue }
                let across = x(row: row, across)
                let place = "\(point(across)) \(point(y(up.place(value))))"
                let hasBefore = row > 0 && line.values[row - 1] != nil
                let hasAfter = row + 1 < line.values.count && line.values[row + 1] != nil
                path += (hasBefore ? "L" : "M") + place
                if !hasBefore && !hasAfter || !rungs.isEmpty { dots += "M\(place)h0" }
                area += hasBefore ? "L\(place)" : "M\(point(across)) \(point(y(0)))L\(place)"
                if !hasAfter { area += "V\(point(y(0)))Z" }
            }
            let kind = "c\(line.colour)\(line.isFaint ? " faint" : "")"
            return (line.isFilled ? "<path class=\"area \(kind)\" d=\"\(area)\"/>" : "")
                + "<path class=\"line \(kind)\" d=\"\(path)\"/>"
                + (dots.isEmpty ? "" : "<path class=\"dot \(kind)\" d=\"\(dots)\"/>") + "\n"
        }.joined()
    }

    /// Strips over the whole height that tell their moment's figures.
    private func strips(_ across: Scale) -> String {
        let rows = lines.map(\.values.count).max() ?? 0
        guard rows > 0 else { return "" }
        let each = (rows + Self.mostStrips - 1) / Self.mostStrips
        return stride(from: 0, to: rows, by: each).map { first in
            let end = min(first + each, rows)
            let figures = lines.compactMap { line -> String? in
                let values = line.values[min(first, line.values.count)..<min(end, line.values.count)]
                return values.compactMap(\.self).last.map { "\(line.name): \(text($0))" }
            }
            guard !figures.isEmpty else { return "" }
            let (from, to) =
                rungs.isEmpty
                ? (x(across.place(Double(first) * step)), x(across.place(Double(end) * step)))
                : (x(Double(first) / Double(rows)), x(Double(end) / Double(rows)))
            let moment = rungs.isEmpty ? "at \(spanText(Double(first) * step))" : rungs[first]
            return
                "<rect class=\"strip\" x=\"\(point(from))\" y=\"\(point(y(1)))\" width=\"\(point(max(to - from, 0.5)))\" "
                + "height=\"\(point(y(0) - y(1)))\"><title>\(escaped(([moment] + figures).joined(separator: "\n")))</title></rect>"
        }.joined() + "\n"
    }
}
