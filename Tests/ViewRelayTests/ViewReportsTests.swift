import ControlProtocol
import Testing

@testable import ViewRelay

/// The reports under test, asked without a `var`.
private final class Kept {
    private var reports = ViewReports()

    var isEmpty: Bool { reports.isEmpty }
    var unanswered: [ViewBeat] { reports.unanswered }

    func keep(_ opening: ViewOpening, as number: UInt64) { reports.keep(opening, as: number) }
    func keep(_ end: ViewEnd, as number: UInt64) { reports.keep(end, as: number) }
    func next(at now: Double) -> (number: UInt64, request: ControlRequest)? { reports.next(at: now) }
    func disconnected() { reports.disconnected() }

    func answered(_ number: UInt64, accepted: Bool, at now: Double) -> Bool {
        reports.answered(number, accepted: accepted, at: now)
    }

    /// Everything that may be told at `now`.
    func told(at now: Double) -> [UInt64] {
        var numbers: [UInt64] = []
        while let (number, _) = reports.next(at: now) { numbers.append(number) }
        return numbers
    }
}

@Suite("reports are kept until they are answered")
struct ViewReportsTests {
    private func opening(_ view: UInt64) -> ViewOpening { ViewOpening(view: view, began: 10) }

    private func end(_ view: UInt64, began: Double? = 10) -> ViewEnd {
        ViewEnd(view: view, began: began, seconds: 5, bytesToViewer: 1, bytesFromViewer: 2, cause: "viewer left")
    }

    @Test("a report is told once, and forgotten when it is taken")
    func once() {
        let reports = Kept()
        reports.keep(opening(7), as: 1)
        reports.keep(end(8), as: 2)
        #expect(reports.next(at: 100)?.request == .viewOpened(opening(7)))
        #expect(reports.next(at: 100)?.request == .viewClosed(end(8)))
        #expect(reports.next(at: 110) == nil)
        #expect(reports.answered(1, accepted: true, at: 111))
        #expect(!reports.answered(9, accepted: true, at: 111))
        #expect(!reports.isEmpty)
        #expect(reports.answered(2, accepted: true, at: 111))
        #expect(reports.isEmpty)
    }

    @Test("a refused report is told again after a pause, an unanswered one after its time and the pause")
    func again() {
        let reports = Kept()
        reports.keep(opening(7), as: 1)
        reports.keep(end(8), as: 2)
        #expect(reports.told(at: 100) == [1, 2])
        #expect(reports.answered(1, accepted: false, at: 101))
        #expect(reports.told(at: 105) == [])
        #expect(reports.told(at: 106) == [1])
        #expect(reports.told(at: 119) == [])
        #expect(reports.told(at: 120) == [2])
        #expect(reports.answered(2, accepted: true, at: 121))
        #expect(reports.told(at: 200) == [1])
    }

    @Test("after a reconnect everything unanswered is told again at once, in order")
    func reconnect() {
        let reports = Kept()
        for number in UInt64(1)...4 { reports.keep(end(number), as: number) }
        #expect(reports.told(at: 100) == [1, 2, 3, 4])
        #expect(reports.answered(2, accepted: true, at: 100))
        #expect(reports.answered(3, accepted: false, at: 100))
        reports.disconnected()
        #expect(reports.told(at: 100) == [1, 3, 4])
    }

    @Test("an end makes its view's opening needless, told or not")
    func openingDropped() {
        let reports = Kept()
        reports.keep(opening(7), as: 1)
        reports.keep(opening(8), as: 2)
        #expect(reports.next(at: 100)?.number == 1)
        reports.keep(end(7), as: 3)
        reports.keep(end(8), as: 4)
        #expect(reports.told(at: 100) == [3, 4])
        #expect(!reports.answered(1, accepted: true, at: 100))
    }

    @Test("only so many are under way at a time; an answer lets the next one go")
    func window() {
        let reports = Kept()
        for number in UInt64(1)...200 { reports.keep(end(number), as: number) }
        #expect(reports.told(at: 100).count == ViewReports.window)
        #expect(reports.answered(1, accepted: true, at: 100))
        #expect(reports.answered(2, accepted: false, at: 100))
        #expect(reports.told(at: 100) == [UInt64(ViewReports.window) + 1, UInt64(ViewReports.window) + 2])
        reports.disconnected()
        #expect(reports.told(at: 101).first == 2)
    }

    @Test("the last 10,000 ends are kept, and every opening of a view that lives")
    func bounded() {
        let reports = Kept()
        let count = UInt64(ViewReports.limit)
        for view in 1...count + 5 { reports.keep(opening(view + 1_000_000), as: view + 1_000_000) }
        for number in 1...count + 3 { reports.keep(end(number), as: number) }
        var seen: [UInt64] = []
        while let (number, _) = reports.next(at: 100) {
            seen.append(number)
            #expect(reports.answered(number, accepted: true, at: 100))
        }
        #expect(seen.count == 2 * Int(count) + 5)
        #expect(seen.filter { $0 < 1_000_000 }.first == 4)
        #expect(reports.isEmpty)
    }

    @Test("ends that are not answered are still named as views, but for those that never began")
    func unanswered() {
        let reports = Kept()
        reports.keep(end(7), as: 1)
        reports.keep(end(8, began: nil), as: 2)
        reports.keep(opening(9), as: 3)
        #expect(reports.unanswered == [ViewBeat(view: 7, began: 10, seconds: 5)])
        #expect(reports.answered(1, accepted: true, at: 100))
        #expect(reports.unanswered == [])
    }
}
