/// When a relay asks which of its open views may not go on: more often than it tells of them all, so that a right that was
/// withdrawn ends what it allowed within seconds. Times are monotonic seconds.
struct RightsReview: Sendable {
    /// Seconds between two questions.
    static let period = 3.0
    /// Seconds in which an answer is awaited.
    static let patience = 15.0

    private var open: Set<UInt64> = []
    private var asked: UInt64?
    private var lastAsked = -RightsReview.patience

    /// A viewer sees its display.
    mutating func opened(_ view: UInt64) { open.insert(view) }

    /// A view ended, whether or not it was opened.
    mutating func ended(_ view: UInt64) { open.remove(view) }

    /// Whether to ask at `now`, under `number`, which no other request has.
    mutating func asks(at now: Double, as number: UInt64) -> Bool {
        let pause = asked == nil ? RightsReview.period : RightsReview.patience
        guard !open.isEmpty, now - lastAsked >= pause else { return false }
        (asked, lastAsked) = (number, now)
        return true
    }

    /// The controller answered, or refused to.
    mutating func answered(_ number: UInt64) { if asked == number { asked = nil } }

    /// The connection is gone, and with it the answer.
    mutating func disconnected() { asked = nil }
}
