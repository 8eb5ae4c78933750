import SessionModel

/// Something that a run must have: `start.p99<=500ms`, `failures=0`.
public struct Requirement: Equatable, Sendable {
    /// As it was said.
    public let text: String
    let measure: Measure
    let relation: Relation
    /// Seconds, a number, a share, or so many each second: as the measure is.
    let bound: Double

    /// How the measured value is to stand to the bound.
    enum Relation: String, CaseIterable, Sendable {
        // Those of two characters in front: they are looked for first.
        case atMost = "<="
        case atLeast = ">="
        case below = "<"
        case above = ">"
        case equal = "="

        func holds(_ value: Double, _ bound: Double) -> Bool {
            switch self {
            case .atMost: value <= bound
            case .atLeast: value >= bound
            case .below: value < bound
            case .above: value > bound
            case .equal: value == bound
            }
        }
    }

    /// Reads `text`; throws one sentence when its name, its relation or its unit is none.
    public init(_ text: String) throws(Refusal) {
        guard let sign = text.firstIndex(where: { "<>=".contains($0) }),
            let relation = Relation.allCases.first(where: { text[sign...].hasPrefix($0.rawValue) })
        else {
            throw Refusal("--require takes NAME<=VALUE (or <, =, >=, >), such as 'start.p99<=500ms'.", .usage)
        }
        let name = String(text[..<sign])
        let value = text[sign...].dropFirst(relation.rawValue.count)
        guard let measure = Measure(name) else {
            throw Refusal(
                "--require does not know that name; it knows \(Measure.names).", .usage, cause: oneLine(name, width: 40)
            )
        }
        guard let bound = measure.unit.read(value) else {
            throw Refusal("--require: \(name) is \(measure.unit.expected).", .usage)
        }
        self.text = oneLine(text, width: 80)
        self.measure = measure
        self.relation = relation
        self.bound = bound
    }

    /// Whether `result` has it.
    public func verdict(on result: StressResult) -> StressResult.Verdict {
        guard let value = measure.value(in: result) else {
            return StressResult.Verdict(requirement: text, measured: "not measured", isMet: false)
        }
        return StressResult.Verdict(
            requirement: text, measured: measure.unit.text(value), isMet: relation.holds(value, bound))
    }
}

/// A figure of a result that can be required.
enum Measure: Equatable, Sendable {
    case latency(Timed, Statistic)
    case failures, leftovers, mismatches, unseen, started
    /// The most sessions that were up at a time.
    case alive
    /// How often a viewer that had been cut saw a picture again.
    case returned
    /// Faults that happened, and those among them after which not all was well again; nil without any.
    case faults, unhealed
    /// Failures that no fault excuses.
    case wrongs
    /// From the first start's word to the last one's answer.
    case up
    case rate
    case statements
    /// By which share a part's memory grew after the first five minutes.
    case growth(String)

    /// A statistic of a latency.
    enum Statistic: String, CaseIterable, Sendable {
        case p50, p90, p99, max
    }

    private static let plain: [(String, Measure)] = [
        ("failures", .failures), ("leftovers", .leftovers), ("ledger.mismatches", .mismatches), ("unseen", .unseen),
        ("started", .started), ("alive", .alive), ("returned", .returned), ("faults", .faults),
        ("unhealed", .unhealed), ("wrongs", .wrongs), ("up", .up), ("rate", .rate),
        ("statements.per.start", .statements),
    ]

    /// All names, for who made a mistake.
    static var names: String {
        let kinds = Timed.allCases.map(\.rawValue).joined(separator: "|")
        let statistics = Statistic.allCases.map(\.rawValue).joined(separator: "|")
        return "(\(kinds)).(\(statistics)), " + plain.map(\.0).joined(separator: ", ") + " and growth.PART"
    }

    /// Nil when there is no figure of that name.
    init?(_ name: String) {
        if let known = Self.plain.first(where: { $0.0 == name }) {
            self = known.1
            return
        }
        guard let point = name.firstIndex(of: ".") else { return nil }
        let head = String(name[..<point])
        let tail = String(name[name.index(after: point)...])
        if head == "growth", !tail.isEmpty, tail.allSatisfy({ $0.isLetter || $0.isNumber || " .-".contains($0) }) {
            self = .growth(tail)
            return
        }
        guard let kind = Timed(rawValue: head), let statistic = Statistic(rawValue: tail) else { return nil }
        self = .latency(kind, statistic)
    }

    var unit: Unit {
        switch self {
        case .latency, .up: .span
        case .failures, .leftovers, .mismatches, .unseen, .started, .alive, .returned, .faults, .unhealed, .wrongs:
            .count
        case .statements: .decimal
        case .rate: .rate
        case .growth: .share
        }
    }

    /// Nil when the run has nothing of the kind.
    func value(in result: StressResult) -> Double? {
        switch self {
        case .latency(let kind, let statistic):
            result.latencies[kind.rawValue].map { figures in
                switch statistic {
                case .p50: figures.p50
                case .p90: figures.p90
                case .p99: figures.p99
                case .max: figures.max
                }
            }
        case .failures: Double(result.counts.failures)
        case .leftovers: result.leftovers.map { Double($0.count) }
        case .mismatches: result.ledger.map { Double($0.mismatches) }
        case .unseen: Double(result.counts.unseen)
        case .started: Double(result.counts.started)
        case .alive: Double(result.counts.mostUp)
        case .returned: Double(result.counts.returned)
        case .faults: Double(result.faults.count)
        case .unhealed: result.faults.isEmpty ? nil : Double(result.faults.count { $0.healed == nil })
        case .wrongs: Double(result.failures.filter(\.isWrong).reduce(0) { $0 + $1.count })
        case .up: result.rates.up
        case .rate: result.rates.starts
        case .statements: result.counters.statementsPerStart
        case .growth(let part): result.parts[part]?.memoryGrowth
        }
    }

    /// What a figure is written in.
    enum Unit: Equatable, Sendable {
        case span, count, decimal, rate, share

        /// Nil when `text` is none.
        func read(_ text: Substring) -> Double? {
            switch self {
            case .span: Reading.span(text)
            case .count: Reading.number(text).map(Double.init)
            case .decimal: Reading.decimal(text)
            case .rate: Reading.rate(text)
            case .share: text.last == "%" ? Reading.decimal(text.dropLast()).map { $0 / 100 } : nil
            }
        }

        var expected: String {
            switch self {
            case .span: "a time, such as 500ms or 1.5s"
            case .count: "a count, such as 0"
            case .decimal: "a number, such as 12.5"
            case .rate: "a rate, such as 50/s"
            case .share: "a share, such as 10%"
            }
        }

        func text(_ value: Double) -> String {
            switch self {
            case .span: spanText(value)
            case .count: countText(Int(value))
            case .decimal: decimalText(value, digits: 2)
            case .rate: decimalText(value, digits: 2) + "/s"
            case .share: percentText(value)
            }
        }
    }
}
