import Yams

/// Where the readers of one file leave what they find wrong, and what they looked for.
final class Findings {
    let file: String
    private(set) var mistakes: [Mistake] = []
    /// Every key that was asked for, as a path: `relay.listen`.
    private(set) var asked: [String] = []

    init(file: String) { self.file = file }

    func note(_ problem: String, at line: Int?) {
        mistakes.append(Mistake(file: file, line: line, problem: problem))
    }

    func wasAsked(_ path: String) { asked.append(path) }
}

/// A mapping being read: each key is asked for once, and ``finish()`` reports those nobody asked for.
struct Section {
    private let findings: Findings
    /// The keys above, with a dot at the end; empty at the top.
    private let prefix: String
    private let pairs: [(key: Node, value: Node)]
    private var known: [String] = []
    private let line: Int?

    /// `node` as a mapping; an absent or empty one has no keys.
    init(_ node: Node?, at path: String, findings: Findings) {
        self.findings = findings
        prefix = path.isEmpty ? "" : path + "."
        line = node?.mark?.line
        switch node {
        case nil: pairs = []
        case .mapping(let mapping): pairs = mapping.map { (key: $0.key, value: $0.value) }
        case .some(let other):
            pairs = []
            if !other.isEmptyScalar {
                let name = path.isEmpty ? "" : "\(path): "
                findings.note("\(name)expected keys and values, found \(other.shown)", at: line)
            }
        }
    }

    /// Takes note of a mistake about `key` that only shows when several values are seen together.
    func note(_ key: String, _ problem: String) {
        findings.note("\(prefix)\(key): \(problem)", at: find(key)?.mark?.line ?? line)
    }

    /// Whether the file gives `key` a value.
    func gives(_ key: String) -> Bool { find(key).map { !$0.isEmptyScalar } ?? false }

    /// The section `key`.
    mutating func section(_ key: String) -> Section {
        known.append(key)
        return Section(find(key), at: prefix + key, findings: findings)
    }

    /// The sections of the list `key`.
    mutating func sections(_ key: String) -> [Section] {
        guard let node = look(for: key), !node.isEmptyScalar else { return [] }
        guard case .sequence(let sequence) = node else {
            findings.note("\(prefix)\(key): expected a list, found \(node.shown)", at: node.mark?.line)
            return []
        }
        return sequence.map { Section($0, at: prefix + key, findings: findings) }
    }

    /// The value of `key`, or `standard` when the file has none; `parse` gives nil for what it does not take.
    mutating func value<Value>(
        _ key: String, _ standard: Value, expected: String, _ parse: (String) -> Value?
    ) -> Value {
        optional(key, standard, expected: expected, parse) ?? standard
    }

    /// Like ``value(_:_:expected:_:)``, and an empty value means nothing at all.
    mutating func optional<Value>(
        _ key: String, _ standard: Value?, expected: String, _ parse: (String) -> Value?
    ) -> Value? {
        guard let node = look(for: key) else { return standard }
        if node.isEmptyScalar { return nil }
        guard case .scalar(let scalar) = node, let value = parse(scalar.string) else {
            findings.note("\(prefix)\(key): expected \(expected), found \(node.shown)", at: node.mark?.line)
            return standard
        }
        return value
    }

    /// A value that must be there.
    mutating func required<Value>(_ key: String, expected: String, _ parse: (String) -> Value?) -> Value? {
        let before = findings.mistakes.count
        let value = optional(key, nil, expected: expected, parse)
        if value == nil, findings.mistakes.count == before {
            findings.note("\(prefix)\(key): missing, expected \(expected)", at: find(key)?.mark?.line ?? line)
        }
        return value
    }

    /// A list, each of whose entries `parse` takes.
    mutating func list<Value>(
        _ key: String, _ standard: [Value], expected: String, _ parse: (String) -> Value?
    ) -> [Value] {
        guard let node = look(for: key) else { return standard }
        if node.isEmptyScalar { return [] }
        guard case .sequence(let sequence) = node else {
            findings.note("\(prefix)\(key): expected a list such as [a, b], found \(node.shown)", at: node.mark?.line)
            return standard
        }
        var values: [Value] = []
        for entry in sequence {
            if case .scalar(let scalar) = entry, let value = parse(scalar.string) {
                values.append(value)
            } else {
                findings.note("\(prefix)\(key): expected \(expected), found \(entry.shown)", at: entry.mark?.line)
            }
        }
        return values.count == sequence.count ? values : standard
    }

    /// Whether the file gives `key` keys and values of its own.
    func isSection(_ key: String) -> Bool { if case .mapping? = find(key) { true } else { false } }

    /// Whether the file names `key` with anything else than nothing; its value is not looked into.
    mutating func names(_ key: String) -> Bool { look(for: key).map { !$0.isEmptyScalar } ?? false }

    /// Reports every key of the file that nobody asked for.
    func finish() {
        for (key, _) in pairs {
            let name = key.string ?? key.shown
            if known.contains(name) { continue }
            if name.unicodeScalars.first == MaskedDuplicate.mask {
                let plain = String(name.unicodeScalars.dropFirst())
                let twin = pairs.last { $0.key.string?.hasSuffix(plain) == true && $0.key != key }?.key
                let first = key.mark.map { ", first in line \($0.line)" } ?? ""
                findings.note("\(prefix)\(twin?.string ?? plain): given twice\(first)", at: twin?.mark?.line)
                continue
            }
            let hint = nearest(to: name, among: known).map { ", did you mean \($0)?" } ?? ""
            findings.note("\(prefix)\(name): unknown key\(hint)", at: key.mark?.line)
        }
    }

    private mutating func look(for key: String) -> Node? {
        known.append(key)
        findings.wasAsked(prefix + key)
        return find(key)
    }

    private func find(_ key: String) -> Node? { pairs.first { $0.key.string == key }?.value }
}

extension Node {
    /// Whether this is YAML's null: nothing, `~` or `null`, not quoted.
    var isEmptyScalar: Bool {
        guard case .scalar(let scalar) = self else { return false }
        return scalar.style == .plain && ["", "~", "null"].contains(scalar.string)
    }

    /// How a mistake quotes it.
    var shown: String {
        switch self {
        case .scalar(let scalar): scalar.string.isEmpty ? "nothing" : String(scalar.string.prefix(60))
        case .mapping: "keys and values"
        case .sequence: "a list"
        case .alias: "an alias"
        }
    }
}

/// The candidate that differs from `name` by the fewest edits, at most two and fewer than its length.
func nearest(to name: String, among candidates: [String]) -> String? {
    let best = candidates.map { (edits(name, $0), $0) }.min { $0.0 < $1.0 }
    guard let (distance, candidate) = best, distance <= 2, distance < candidate.count else { return nil }
    return candidate
}

/// Levenshtein's distance: insertions, deletions and replacements of one character.
private func edits(_ left: String, _ right: String) -> Int {
    let columns = Array(right)
    var row = Array(0...columns.count)
    for (i, character) in left.enumerated() {
        var diagonal = row[0]
        row[0] = i + 1
        for (j, other) in columns.enumerated() {
            let cost = min(row[j] + 1, row[j + 1] + 1, diagonal + (character == other ? 0 : 1))
            diagonal = row[j + 1]
            row[j + 1] = cost
        }
    }
    return row[columns.count]
}
