import Synchronization
import Testing

@testable import SessionControl

@Suite("Many things at a time, but not too many") struct ResultsTests {
    @Test("every member has its turn, and never more than so many at once")
    func most() async {
        let state = Mutex((now: 0, most: 0))
        let values = await results(of: Array(0..<200), atMost: 7) { number in
            state.withLock { state in
                state.now += 1
                state.most = max(state.most, state.now)
            }
            await Task.yield()
            state.withLock { $0.now -= 1 }
            return number
        }
        #expect(values.sorted() == Array(0..<200))
        #expect((1...7).contains(state.withLock { $0.most }))
    }

    @Test("of nobody nothing comes")
    func nobody() async {
        #expect(await results(of: [Int](), atMost: 7) { $0 }.isEmpty)
    }
}
