import SessionModel
import Testing

@Suite("Records and hosts made to agree") struct ReconciliationTests {
    private typealias Repair = Reconciliation.Repair
    private typealias Claim = Reconciliation.Claim
    private typealias Observed = Reconciliation.Observed

    /// Every holder and age: what is done when the display serves the session, when it stands but serves nobody, and when
    /// it is not there.
    @Test(
        "each claim asks for one repair",
        arguments: [
            (.session(seven), 59, nil, nil, nil),
            (.session(seven), 60, nil, .endSession(seven), .endSession(seven)),
            (.endingSession, 9999, nil, nil, nil),
            (.nobody, 59, nil, nil, nil),
            (.nobody, 60, end, end, .releaseClaim(one, key: key)),
            (.pool, 59, nil, nil, nil),
            (.pool, 60, nil, nil, .releaseClaim(one, key: key)),
            (.broken, 0, end, end, nil),
            (.endedSession, 0, end, end, .releaseClaim(one, key: key)),
        ] as [(Reconciliation.Holder, Int, Reconciliation.Repair?, Reconciliation.Repair?, Reconciliation.Repair?)])
    func claims(
        holder: Reconciliation.Holder, age: Int, serving: Reconciliation.Repair?, idle: Reconciliation.Repair?,
        gone: Reconciliation.Repair?
    ) {
        let claim = Claim(display: one, key: key, holder: holder, age: age)
        #expect(plan([claim], [Observed(display: one, key: key, session: seven)]) == [serving].compactMap { $0 })
        #expect(plan([claim], [Observed(display: one, key: key)]) == [idle].compactMap { $0 })
        #expect(plan([claim], []) == [gone].compactMap { $0 })
    }

    @Test(
        "each session that is recorded asks for at most one repair of its own",
        arguments: [
            (.starting, 9999, false, nil), (.running, 59, false, nil), (.running, 60, false, .endSession(seven)),
            (.running, 9999, true, nil), (.ending(14), 9999, true, nil), (.ending(15), 9999, true, .finishEnd(seven)),
            (.ending(15), 9999, false, .finishEnd(seven)),
        ] as [(Reconciliation.Session.Life, Int, Bool, Reconciliation.Repair?)])
    func sessions(life: Reconciliation.Session.Life, age: Int, hasDisplay: Bool, repair: Reconciliation.Repair?) {
        let session = Reconciliation.Session(number: seven, life: life, age: age, hasDisplay: hasDisplay)
        #expect(Reconciliation.plan(sessions: [session], claims: [], observed: []) == [repair].compactMap { $0 })
    }

    @Test("a display that no record claims is ended; repairs come in the order of the numbers")
    func strays() throws {
        let two = try DisplayNumber(2)
        let claims = [Claim(display: two, key: key, holder: .endedSession, age: 1)]
        #expect(
            plan(claims, [Observed(display: two, key: key), Observed(display: one, key: nil)])
                == [.endDisplay(one, key: nil), .endDisplay(two, key: key)])
    }

    @Test("a display of an earlier boot is gone, however young its claim")
    func anotherBoot() {
        let claim = Claim(display: one, key: key, holder: .session(seven), age: 1, isOfAnotherBoot: true)
        #expect(plan([claim], []) == [.endSession(seven)])
    }

    @Test("a display with another key than its claim is a stray with the claim's number")
    func otherKey() {
        let other = Secret("other")
        let claim = Claim(display: one, key: key, holder: .session(seven), age: 60)
        #expect(
            plan([claim], [Observed(display: one, key: other, session: seven)])
                == [.endDisplay(one, key: other), .endSession(seven)])
    }

    @Test("a host that tells no keys is taken at its numbers")
    func noKeys() {
        let claim = Claim(display: one, key: key, holder: .session(seven), age: 60)
        #expect(plan([claim], [Observed(display: one, key: nil, session: seven)]).isEmpty)
    }

    @Test("what somebody may still use is torn down on a second look only")
    func secondLook() {
        #expect(Repair.endSession(seven).needsSecondLook && Repair.endDisplay(one, key: nil).needsSecondLook)
        #expect(!Repair.finishEnd(seven).needsSecondLook && !Repair.releaseClaim(one, key: key).needsSecondLook)
    }

    private func plan(
        _ claims: [Reconciliation.Claim], _ observed: [Reconciliation.Observed]
    ) -> [Reconciliation.Repair] {
        Reconciliation.plan(sessions: [], claims: claims, observed: observed)
    }
}

private let seven = SessionNumber(7)
private let one = (try? DisplayNumber(1)).unsafelyUnwrapped
private let key = Secret("key")
private let end = Reconciliation.Repair.endDisplay(one, key: key)
