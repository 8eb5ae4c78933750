/// What went wrong, by class: how often, and one example of each.
struct FailureBook: Sendable {
    /// Kinds that are kept apart at most: a kind is not to have a number in it, but it may have come from anywhere.
    private static let most = 50

    private var kinds: [String: StressResult.FailureClass] = [:]

    mutating func add(_ failure: Observation.Failure, at moment: Double) {
        var kind = oneLine(failure.kind, width: 80)
        if kinds[kind] == nil, kinds.count >= Self.most { kind = "others" }
        if kinds[kind] != nil {
            kinds[kind]?.count += 1
        } else {
            kinds[kind] = StressResult.FailureClass(
                kind: kind, count: 1, example: oneLine(failure.example), at: moment.thousandths)
        }
    }

    /// The most frequent in front.
    var classes: [StressResult.FailureClass] { kinds.values.sorted { ($1.count, $0.kind) < ($0.count, $1.kind) } }
}
