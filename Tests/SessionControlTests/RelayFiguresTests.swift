import ControlProtocol
import Testing

@testable import SessionControl

@Suite("What relays count") struct RelayFiguresTests {
    private let start = ContinuousClock.now

    private func beat(
        _ instance: String, _ figures: [String: UInt64], name: String = "gate [::]:563 [::]:8443",
        isLeaving: Bool = false
    ) -> RelayBeat {
        RelayBeat(name: name, instance: instance, at: 1, views: [], isLeaving: isLeaving, figures: figures)
    }

    @Test("it is known by where the relay listens, and forgotten when the relay is not heard for a minute")
    func heard() {
        var figures = RelayFigures()
        figures.heard(beat("one", ["viewers": 3, "certificate days left": 90]), now: start)
        figures.heard(beat("one", [:]), now: start + .seconds(5))
        #expect(
            figures.counters(now: start + .seconds(59)) == [
                "relay.[::]:563 [::]:8443.viewers": 3, "relay.[::]:563 [::]:8443.certificate days left": 90,
            ])
        #expect(figures.counters(now: start + .seconds(60)).isEmpty)
    }

    @Test("a life that leaves is told apart from its successor, and one that was replaced is not told")
    func lives() {
        var figures = RelayFigures()
        figures.heard(beat("0123456789abcdef", ["viewers": 3]), now: start)
        figures.heard(beat("two", ["viewers": 1]), now: start)
        figures.heard(beat("0123456789abcdef", ["viewers": 2], isLeaving: true), now: start)
        #expect(
            figures.counters(now: start) == [
                "relay.[::]:563 [::]:8443.viewers": 1, "relay.[::]:563 [::]:8443 leaving 01234567.viewers": 2,
            ])
    }

    @Test("a relay without a machine's name keeps its own, and one that tells too much is cut short")
    func strange() {
        var figures = RelayFigures()
        figures.heard(beat("one", ["viewers": 1], name: "gate"), now: start)
        #expect(figures.counters(now: start) == ["relay.gate.viewers": 1])
        let many = Dictionary(uniqueKeysWithValues: (0..<5000).map { ("figure \($0)", UInt64(1)) })
        for number in 0..<200 { figures.heard(beat("life \(number)", many, name: "gate [::]:\(number)"), now: start) }
        #expect(figures.counters(now: start).count <= 100 * 100)
    }
}
