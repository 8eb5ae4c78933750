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
            (.nobody, 60, .endDisplay(one, key: key), .releaseClaim(one, key: key)),
            (.pool, 59, nil, nil),
            (.pool, 60, nil, .releaseClaim(one, key: key)),
            (.broken, 0, .endDisplay(one, key: key), nil),
            (.endedSession, 0, .endDisplay(one, key: key), .releaseClaim(one, key: key)),
        ] as [(DisplayRepair.Holder, Int, DisplayRepair?, DisplayRepair?)])
    func claims(holder: DisplayRepair.Holder, age: Int, there: DisplayRepair?, gone: DisplayRepair?) {
        let claim = DisplayRepair.Claim(display: one, key: key, holder: holder, age: age)
        #expect(
            DisplayRepair.plan(claims: [claim], observed: [DisplayRepair.Observed(display: one, key: key)])
                == [there].compactMap { $0 })
        #expect(DisplayRepair.plan(claims: [claim], observed: []) == [gone].compactMap { $0 })
    }

    @Test("a display that no record claims is ended; repairs come in the order of the numbers")
    func strays() throws {
        let two = try DisplayNumber(2)
        let claims = [DisplayRepair.Claim(display: two, key: key, holder: .endedSession, age: 1)]
        let observed = [DisplayRepair.Observed(display: two, key: key), .init(display: one, key: nil)]
        #expect(
            DisplayRepair.plan(claims: claims, observed: observed)
                == [.endDisplay(one, key: nil), .endDisplay(two, key: key)])
    }

    @Test("a display of an earlier boot is gone, however young its claim")
    func anotherBoot() {
        let claim = DisplayRepair.Claim(
            display: one, key: key, holder: .session(session), age: 1, isOfAnotherBoot: true)
        #expect(DisplayRepair.plan(claims: [claim], observed: []) == [.endSession(session)])
    }

    @Test("a display with another key than its claim is a stray with the claim's number")
    func otherKey() {
        let other = Secret("other")
        let claim = DisplayRepair.Claim(display: one, key: key, holder: .session(session), age: 60)
        let observed = [DisplayRepair.Observed(display: one, key: other)]
        #expect(
            DisplayRepair.plan(claims: [claim], observed: observed)
                == [.endDisplay(one, key: other), .endSession(session)])
    }

    @Test("a host that tells no keys is taken at its numbers")
    func noKeys() {
        let claim = DisplayRepair.Claim(display: one, key: key, holder: .session(session), age: 60)
        #expect(DisplayRepair.plan(claims: [claim], observed: [.init(display: one, key: nil)]).isEmpty)
    }
}

private let one = (try? DisplayNumber(1)).unsafelyUnwrapped
private let key = Secret("key")
