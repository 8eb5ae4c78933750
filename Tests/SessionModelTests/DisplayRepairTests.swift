import SessionModel
import Testing

@Suite("Repairs of a host's displays") struct DisplayRepairTests {
    private let session = SessionNumber(7)

    /// Every holder and age, with what is done when the display is there and when it is not.
    @Test(
        "each claim asks for one repair",
        arguments: [
            (DisplayRepair.Holder.session(SessionNumber(7)), 59, nil, nil),
            (.session(SessionNumber(7)), 60, nil, .endSession(SessionNumber(7))),
            (.nobody, 59, nil, nil),
            (.nobody, 60, .endDisplay(one), .releaseClaim(one)),
            (.endedSession, 0, .endDisplay(one), .releaseClaim(one)),
        ] as [(DisplayRepair.Holder, Int, DisplayRepair?, DisplayRepair?)])
    func claims(holder: DisplayRepair.Holder, age: Int, there: DisplayRepair?, gone: DisplayRepair?) {
        let claim = DisplayRepair.Claim(display: one, holder: holder, age: age)
        #expect(DisplayRepair.plan(claims: [claim], observed: [one]) == [there].compactMap { $0 })
        #expect(DisplayRepair.plan(claims: [claim], observed: []) == [gone].compactMap { $0 })
    }

    @Test("a display that no record claims is ended; repairs come in the order of the numbers")
    func strays() throws {
        let two = try DisplayNumber(2)
        let claims = [DisplayRepair.Claim(display: two, holder: .endedSession, age: 1)]
        #expect(DisplayRepair.plan(claims: claims, observed: [two, one]) == [.endDisplay(one), .endDisplay(two)])
    }
}

private let one = (try? DisplayNumber(1)).unsafelyUnwrapped
