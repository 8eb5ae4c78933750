import Stress
import Testing

@Suite("the ledger is held against what viewers saw")
struct LedgerCheckTests {
    private static func view(_ seconds: Double, session: UInt64 = 1, pictured: Bool = true, cut: Bool = false)
        -> SeenView
    {
        SeenView(
            session: session, user: "stress-0001", began: 5, ended: 5 + seconds, hadPicture: pictured, wasCut: cut)
    }

    private static func row(_ seconds: Double, session: UInt64 = 1, user: String = "stress-0001") -> LedgerRow {
        LedgerRow(session: session, user: user, seconds: seconds)
    }

    @Test("what agrees agrees, in whatever order it comes")
    func agrees() {
        let check = LedgerCheck(
            seen: [Self.view(10), Self.view(3), Self.view(7, session: 2)],
            rows: [Self.row(3.4), Self.row(7, session: 2), Self.row(9.1)])
        #expect(check.mismatches.isEmpty)
        #expect(check.views == 3 && check.rows == 3)
        #expect(LedgerCheck(seen: [], rows: []).mismatches.isEmpty)
    }

    @Test("a view without a row, a row without a view")
    func counts() {
        #expect(
            LedgerCheck(seen: [Self.view(10), Self.view(3)], rows: [Self.row(10)]).mismatches
                == ["Session 1 had 2 views and has 1 rows."])
        #expect(
            LedgerCheck(seen: [Self.view(10)], rows: [Self.row(10), Self.row(0)]).mismatches
                == ["Session 1 had 1 views and has 2 rows."])
        #expect(
            LedgerCheck(seen: [], rows: [Self.row(1, session: 9)]).mismatches
                == ["Session 9 had 0 views and has 1 rows."])
    }

    @Test("a view that had no picture may have a row or none")
    func unseen() {
        let seen = [Self.view(10), Self.view(0.5, pictured: false), Self.view(20)]
        #expect(LedgerCheck(seen: seen, rows: [Self.row(10), Self.row(20)]).mismatches.isEmpty)
        #expect(LedgerCheck(seen: seen, rows: [Self.row(10), Self.row(0.1), Self.row(20)]).mismatches.isEmpty)
        #expect(
            LedgerCheck(seen: seen, rows: [Self.row(10), Self.row(0), Self.row(0), Self.row(20)]).mismatches.count == 1)
    }

    @Test("seconds agree within one, and within eleven where nobody said goodbye")
    func seconds() {
        #expect(LedgerCheck(seen: [Self.view(10)], rows: [Self.row(11.0)]).mismatches.isEmpty)
        #expect(
            LedgerCheck(seen: [Self.view(10)], rows: [Self.row(11.5)]).mismatches
                == ["Session 1 has a row of 11.5 s for a view of 10.0 s."])
        #expect(LedgerCheck(seen: [Self.view(20, cut: true)], rows: [Self.row(9.5)]).mismatches.isEmpty)
        #expect(LedgerCheck(seen: [Self.view(20, cut: true)], rows: [Self.row(8)]).mismatches.count == 1)
        #expect(LedgerCheck(seen: [Self.view(20)], rows: [Self.row(8)], slack: 11).mismatches.isEmpty)
        #expect(LedgerCheck(seen: [Self.view(20)], rows: [Self.row(.nan)]).mismatches.count == 1)
    }

    @Test("a row of somebody who did not look")
    func strangers() {
        let check = LedgerCheck(seen: [Self.view(10)], rows: [Self.row(10, user: "stress-0002")])
        #expect(check.mismatches == ["Session 1 has a row of stress-0002, who did not view it."])
    }
}
