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
}
