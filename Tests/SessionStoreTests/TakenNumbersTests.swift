import SessionModel
import Testing

@testable import SessionStore

@Suite("Where a free display number is looked for")
struct TakenNumbersTests {
    private let host = HostName(known: "node1")
    private let begin = ContinuousClock.now

    @Test("after the last that was given, and from the beginning after a second, however many are given meanwhile")
    func lasts() {
        let taken = TakenNumbers()
        #expect(taken.next(on: host, at: begin) == 0)
        for step in 0..<10 {
            taken.note(5 + step, on: host, at: begin + .milliseconds(99 * step))
            #expect(taken.next(on: host, at: begin + .milliseconds(99 * step)) == 6 + step)
        }
        #expect(taken.next(on: host, at: begin + .milliseconds(999)) == 15)
        #expect(taken.next(on: host, at: begin + .seconds(1)) == 0)
        taken.note(2, on: host, at: begin + .seconds(1))
        #expect(taken.next(on: host, at: begin + .milliseconds(1999)) == 3)
    }

    @Test("two who look at one moment leave the higher; hosts have their own, and one may be forgotten")
    func hosts() {
        let taken = TakenNumbers()
        let other = HostName(known: "node2")
        taken.note(8, on: host, at: begin)
        taken.note(7, on: host, at: begin)
        #expect(taken.next(on: host, at: begin) == 9)
        #expect(taken.next(on: other, at: begin) == 0)
        taken.forget(host)
        #expect(taken.next(on: host, at: begin) == 0)
    }
}
