import SessionModel
import Testing

@testable import SessionControl

@Suite("Starts under way") struct StartsUnderWayTests {
    @Test("come first as long as one is left")
    func count() {
        let starts = StartsUnderWay()
        #expect(!starts.comeFirst)
        starts.began()
        starts.began()
        starts.ended()
        #expect(starts.comeFirst)
        starts.ended()
        #expect(!starts.comeFirst)
    }

    @Test("are counted where they try")
    func places() {
        let starts = StartsUnderWay()
        let host = HostName(known: "exec1")
        starts.came(to: host)
        starts.came(to: host)
        starts.came(to: HostName(known: "exec2"), takesReady: false)
        #expect(starts.takers(on: host) == 2 && starts.takers(on: HostName(known: "exec2")) == 0)
        starts.left(host)
        #expect(starts.count(on: host) == 1)
        starts.left(host)
        #expect(starts.count(on: host) == 0)
        #expect(starts.count(on: HostName(known: "exec2")) == 1)
    }
}
