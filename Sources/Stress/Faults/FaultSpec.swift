import SessionModel

/// Which faults a run has, as `--faults` says it: `kill:relay,stop:database:20s@1m,kill:agent*3,every=30s`, or `all`.
///
/// Each fault may have a span (`:20s`) where it lasts, and either moments (`@30s@2m`, since the run began) or a count
/// (`*3`). Without moments a seed chooses them; with `every=30s` those faults take turns, one in each such span.
public struct FaultSpec: Codable, Equatable, Sendable {
    /// One fault of those that a run has.
    public struct Item: Codable, Equatable, Sendable {
        public var fault: Fault
        /// Seconds until it is mended; nil for what is over at once.
        public var span: Double?
        public var times: Times

        /// A fault that happens then.
        public init(_ fault: Fault, span: Double? = nil, _ times: Times = .count(1)) {
            self.fault = fault
            self.span = span ?? fault.usualSpan
            self.times = times
        }
    }

    /// When a fault happens.
    public enum Times: Codable, Equatable, Sendable {
        /// So many times, whenever the seed says.
        case count(Int)
        /// Seconds since the run began.
        case at([Double])
    }

    public var items: [Item]
    /// Seconds in which one of the faults without moments happens.
    public var every: Double?

    /// Those faults.
    public init(items: [Item], every: Double? = nil) {
        self.items = items
        self.every = every
    }

    /// Reads the words of `--faults`; throws what is wrong with them.
    public init(_ text: String) throws(FaultSpecError) {
        var items: [Item] = []
        var every: Double?
        for word in text.split(separator: ",", omittingEmptySubsequences: false).map(String.init) {
            if word == "all" {
                items += Fault.allCases.map { Item($0) }
            } else if word.hasPrefix("every=") {
                guard every == nil, let seconds = Self.seconds(word.dropFirst(6)), seconds >= 1 else {
                    throw .everyMalformed(word)
                }
                every = seconds
            } else {
                items.append(try Self.item(word))
            }
        }
        guard !items.isEmpty else { throw .nothing }
        guard items.count <= 1000 else { throw .tooMany }
        self.init(items: items, every: every)
    }

    private static func item(_ word: String) throws(FaultSpecError) -> Item {
        let end = word.firstIndex { $0 == "@" || $0 == "*" } ?? word.endIndex
        let parts = word[..<end].split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count >= 2, let fault = Fault(rawValue: parts.prefix(2).joined(separator: ":")) else {
            throw .unknown(word)
        }
        var item = Item(fault)
        if parts.count > 2 {
            guard parts.count == 3, fault.usualSpan != nil, let span = seconds(parts[2]), (0.1...3600).contains(span)
            else { throw .spanMalformed(word) }
            item.span = span
        }
        if word[end...].hasPrefix("*") {
            guard let count = Int(word[end...].dropFirst()), (1...1000).contains(count) else {
                throw .timesMalformed(word)
            }
            item.times = .count(count)
        } else if end < word.endIndex {
            var moments: [Double] = []
            for moment in word[end...].dropFirst().split(separator: "@", omittingEmptySubsequences: false) {
                guard let seconds = seconds(moment), moments.count < 1000 else { throw .timesMalformed(word) }
                moments.append(seconds)
            }
            item.times = .at(moments)
        }
        return item
    }

    /// A time of at most a week; nil for anything else.
    private static func seconds(_ text: some StringProtocol) -> Double? {
        Reading.span(text).flatMap { (0...604_800).contains($0) ? $0 : nil }
    }
}

/// What is wrong with the words of `--faults`.
public enum FaultSpecError: UserFacingError, Equatable {
    case unknown(String), spanMalformed(String), timesMalformed(String), everyMalformed(String)
    case nothing, tooMany

    public var userMessage: String {
        switch self {
        case .unknown(let word):
            "There is no fault '\(word)': say all, or some of "
                + Fault.allCases.map(\.rawValue).joined(separator: ",") + "."
        case .spanMalformed(let word):
            "'\(word)' says no time that it can last; write for instance stop:database:20s (only "
                + Fault.allCases.filter { $0.usualSpan != nil }.map(\.rawValue).joined(separator: ", ") + " last)."
        case .timesMalformed(let word):
            "'\(word)' says no times; write for instance kill:relay@30s@2m, or kill:relay*3."
        case .everyMalformed(let word): "'\(word)' says no span of at least a second; write for instance every=30s."
        case .nothing: "No fault is named; write for instance all,every=30s."
        case .tooMany: "More than 1000 faults are named; please name fewer."
        }
    }

    public var exitStatus: ExitStatus { .usage }
}
