import ControlProtocol
import HostProtocol
import SessionModel
import Testing

@testable import SessionControl

@Suite("what is left of a quota")
struct QuotaAnswerTests {
    private static let alice = UserName(known: "alice")

    private func usage(_ used: UInt64, hard: UInt64, free: UInt64) -> HomeUsage {
        HomeUsage(source: .quota, used: used, softLimit: 0, hardLimit: hard, free: free)
    }

    @Test("it is what comes first: the limit or the end of the file system; never less than nothing")
    func left() {
        let cases: [(HomeUsage, UInt64, Bool)] = [
            (usage(10, hard: 0, free: 90), 90, false), (usage(10, hard: 50, free: 90), 40, false),
            (usage(10, hard: 50, free: 20), 20, false), (usage(50, hard: 50, free: 20), 0, true),
            (usage(70, hard: 50, free: 20), 0, true), (usage(10, hard: 0, free: 0), 0, true),
            (usage(.max, hard: .max, free: .max), 0, true), (usage(0, hard: .max, free: .max), .max, false),
        ]
        for (usage, left, isOver) in cases {
            let answer = QuotaAnswer(of: Self.alice, usage)
            #expect(answer.remaining == left && usage.isOver == isOver, "\(usage)")
            #expect(answer.used == usage.used && answer.hardLimit == usage.hardLimit && answer.isEnforced)
        }
    }

    @Test("who was over the limit when a host looked is known of that host alone, until it looks again")
    func figures() {
        let figures = HomeFigures()
        let host = HostName(known: "node1")
        let other = HostName(known: "node2")
        #expect(figures.figure(of: Self.alice, on: host, olderThan: .seconds(60)) == nil)
        figures.note(Self.alice, on: host, isOver: true)
        let figure = figures.figure(of: Self.alice, on: host, olderThan: .seconds(60))
        #expect(figure.map { $0.isOver && !$0.isOld } == true)
        #expect(figures.figure(of: Self.alice, on: host, olderThan: .zero)?.isOld == true)
        #expect(figures.figure(of: Self.alice, on: other, olderThan: .seconds(60)) == nil)
        figures.note(Self.alice, on: other, isOver: true)
        figures.note(Self.alice, on: host, isOver: false)
        #expect(figures.figure(of: Self.alice, on: host, olderThan: .seconds(60))?.isOver == false)
        #expect(figures.figure(of: Self.alice, on: other, olderThan: .seconds(60))?.isOver == true)
    }
}
