import Testing

@testable import ViewRelay

/// The rule under test, asked without a `var`.
private final class Review {
    private var review = RightsReview()

    func opened(_ view: UInt64) { review.opened(view) }
    func ended(_ view: UInt64) { review.ended(view) }
    func asks(at now: Double, as number: UInt64) -> Bool { review.asks(at: now, as: number) }
    func answered(_ number: UInt64) { review.answered(number) }
    func disconnected() { review.disconnected() }
}

@Suite("when a relay asks whose right was withdrawn")
struct RightsReviewTests {
    @Test("every three seconds while a view is open, and never while none is")
    func period() {
        let review = Review()
        var asked: [Int] = []
        func ask(_ now: Int) {
            guard review.asks(at: Double(now), as: UInt64(now)) else { return }
            asked.append(now)
            review.answered(UInt64(now))
        }
        for now in 0..<4 { ask(now) }
        review.opened(7)
        review.opened(8)
        for now in 4..<12 { ask(now) }
        review.ended(8)
        for now in 12..<17 { ask(now) }
        review.ended(7)
        review.ended(9)
        for now in 17..<30 { ask(now) }
        #expect(asked == [4, 7, 10, 13, 16])
    }

    @Test("not again before the answer, unless it does not come for a while or the connection is another")
    func unanswered() {
        let review = Review()
        review.opened(7)
        #expect(review.asks(at: 100, as: 1))
        review.answered(9)
        #expect(!review.asks(at: 114, as: 2))
        #expect(review.asks(at: 115, as: 3))
        review.disconnected()
        #expect(!review.asks(at: 117, as: 4))
        #expect(review.asks(at: 118, as: 5))
    }
}
