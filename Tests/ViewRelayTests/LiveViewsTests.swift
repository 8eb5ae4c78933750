import ControlProtocol
import ControlSocket
import Testing

@testable import ViewRelay

/// The lists under test, asked without a `var`.
private final class Lists {
    private var live: LiveViews

    init(loops: Int) { live = LiveViews(loops: loops) }

    func handIn(_ views: [ViewBeat], of loop: Int, at: Double) { live.handIn(views, of: loop, at: at) }
    func connected() { live.connected() }

    func due(at now: Double, ended: [ViewBeat] = []) -> [RelayBeat] {
        live.due(at: now, and: ended, as: RelayBeat(name: "here", instance: "life", at: nil, views: []))
    }
}

@Suite("the list of live views")
struct LiveViewsTests {
    private func beat(_ view: UInt64) -> ViewBeat { ViewBeat(view: view, began: 1, seconds: 2) }

    @Test("there is none before every loop handed its views in, then one, as old as the oldest")
    func complete() {
        let live = Lists(loops: 2)
        #expect(live.due(at: 100) == [])
        live.handIn([beat(1)], of: 0, at: 100)
        #expect(live.due(at: 200) == [])
        live.handIn([], of: 1, at: 99)
        #expect(live.due(at: 200) == [RelayBeat(name: "here", instance: "life", at: 99, views: [beat(1)])])
        #expect(live.due(at: 201) == [])
    }

    @Test("the next one is due when every loop was heard again, or when one is late")
    func again() {
        let live = Lists(loops: 2)
        live.handIn([], of: 0, at: 90)
        live.handIn([], of: 1, at: 90)
        #expect(live.due(at: 90).count == 1)
        live.handIn([], of: 0, at: 99)
        #expect(live.due(at: 99) == [])
        live.handIn([beat(2)], of: 1, at: 99)
        #expect(live.due(at: 99).first?.at == 99)
        live.handIn([], of: 0, at: 108)
        #expect(live.due(at: 108) == [])
        #expect(live.due(at: 109.5) == [RelayBeat(name: "here", instance: "life", at: 99, views: [beat(2)])])
    }

    @Test("who connects hears the list at once")
    func connected() {
        let live = Lists(loops: 1)
        live.handIn([beat(1)], of: 0, at: 90)
        #expect(live.due(at: 90).count == 1)
        live.connected()
        #expect(live.due(at: 91).first?.views == [beat(1)])
    }

    @Test("views whose end is not answered are in it, once and as they ended")
    func ended() {
        let live = Lists(loops: 1)
        live.handIn([beat(1), beat(2)], of: 0, at: 90)
        let end = ViewBeat(view: 2, began: 1, seconds: 3)
        #expect(live.due(at: 90, ended: [beat(7), end]).first?.views == [beat(1), beat(7), end])
    }

    @Test("a long list goes in parts that say nothing of others, and the longest one fits a line")
    func parts() throws {
        let live = Lists(loops: 1)
        let long = ViewBeat(view: .max, began: 1_234_567.123_456_789_1, seconds: 1_234_567.123_456_789_1)
        live.handIn(Array(repeating: long, count: 2 * LiveViews.part + 1), of: 0, at: 90)
        let parts = live.due(at: 90)
        #expect(parts.map(\.views.count) == [LiveViews.part, LiveViews.part, 1])
        #expect(parts.allSatisfy { $0.at == nil })
        let request = ControlRequest.viewBeats(try #require(parts.first))
        #expect(try ControlLines.line(of: ControlFrame(id: .max, body: request)).count < controlFrameLimit)
    }
}
