import SessionModel

/// Names in proportion: `a,b:3` is one of `a` for three of `b`.
public struct Shares: Codable, Equatable, Sendable, CustomStringConvertible {
    /// Each name's weight, 1–1000.
    public let weights: [String: Int]

    /// Names with their weights.
    public init(_ weights: [String: Int]) { self.weights = weights }

    /// Reads `text`, the value of `option`; `example` is for who made a mistake.
    init(_ text: String, _ option: String, _ example: String, accepts: (String) -> Bool) throws(Refusal) {
        var weights: [String: Int] = [:]
        for item in text.split(separator: ",", omittingEmptySubsequences: false) {
            let parts = item.split(separator: ":", omittingEmptySubsequences: false)
            guard let name = parts.first.map(String.init), parts.count <= 2, accepts(name), weights[name] == nil,
                let weight = parts.count == 2 ? Reading.number(parts[1]) : 1, (1...1000).contains(weight)
            else {
                throw Refusal("\(option) takes names with weights from 1 to 1000, such as \(example).", .usage)
            }
            weights[name] = weight
        }
        self.init(weights)
    }

    /// Deals `count` names out in these proportions, in an order that `chance` decides.
    func deal(_ count: Int, _ chance: inout SeededGenerator) -> [String] {
        let names = weights.keys.sorted()
        let total = weights.values.reduce(0, +)
        guard total > 0 else { return [] }
        // Each gets the whole part of its share; what is left goes to the largest rests.
        let shares = names.map { (name: $0, scaled: count * weights[$0, default: 0]) }
        var dealt = shares.flatMap { Array(repeating: $0.name, count: $0.scaled / total) }
        let byRest = shares.sorted { ($1.scaled % total, $0.name) < ($0.scaled % total, $1.name) }
        dealt += byRest.prefix(count - dealt.count).map(\.name)
        chance.shuffle(&dealt)
        return dealt
    }

    public var description: String {
        weights.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
            .map { $0.value == 1 ? $0.key : "\($0.key):\($0.value)" }.joined(separator: ",")
    }
}
