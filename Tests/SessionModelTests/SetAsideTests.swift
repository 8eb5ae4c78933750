import SessionModel
import Testing

@Suite("Hosts that are set aside") struct SetAsideTests {
    @Test("the third failure in a row sets a host aside")
    func failures() {
        #expect([0, 1, 2, 3, 4].map(SetAside.isDue) == [false, false, false, true, true])
    }

    @Test("the pause doubles with every failed probe, from 5 s to 300 s")
    func pauses() {
        #expect((0...8).map(SetAside.pause) == [5, 10, 20, 40, 80, 160, 300, 300, 300])
        #expect(SetAside.pause(failedProbes: .max) == 300)
        #expect(SetAside.pause(failedProbes: -1) == 5)
    }
}
