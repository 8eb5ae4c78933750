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

    @Test("the time in which anybody watched counts what views have in common once")
    func times() {
        let seen = [Self.view(10), Self.view(30), Self.view(0.5, pictured: false)]
        let rows = [Self.row(10), Self.row(30)]
        func mismatches(_ time: Double?) -> [String] {
            LedgerCheck(seen: seen, rows: rows, times: time.map { [1: $0] } ?? [:]).mismatches
        }
        #expect(mismatches(30).isEmpty)
        #expect(mismatches(26.5).isEmpty)
        // Not their sum, and not the first one's alone.
        #expect(mismatches(40) == ["Session 1 was watched for 30.0 s and has a time of 40.0 s."])
        #expect(mismatches(10).count == 1)
        #expect(mismatches(.nan).count == 1)
        #expect(mismatches(nil) == ["Session 1 was watched and has no time in the ledger."])
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

    @Test("seconds agree within one, and within two where nobody said goodbye")
    func seconds() {
        #expect(LedgerCheck(seen: [Self.view(10)], rows: [Self.row(11.0)]).mismatches.isEmpty)
        #expect(
            LedgerCheck(seen: [Self.view(10)], rows: [Self.row(11.5)]).mismatches
                == ["Session 1 has a row of 11.5 s for a view of 10.0 s."])
        #expect(LedgerCheck(seen: [Self.view(20, cut: true)], rows: [Self.row(18.1)]).mismatches.isEmpty)
        #expect(LedgerCheck(seen: [Self.view(20, cut: true)], rows: [Self.row(17.9)]).mismatches.count == 1)
        #expect(LedgerCheck(seen: [Self.view(20)], rows: [Self.row(8)], slack: 11).mismatches.isEmpty)
        #expect(LedgerCheck(seen: [Self.view(20)], rows: [Self.row(.nan)]).mismatches.count == 1)
    }

    @Test("a row of somebody who did not look")
    func strangers() {
        let check = LedgerCheck(seen: [Self.view(10)], rows: [Self.row(10, user: "stress-0002")])
        #expect(check.mismatches == ["Session 1 has a row of stress-0002, who did not view it."])
    }
}
