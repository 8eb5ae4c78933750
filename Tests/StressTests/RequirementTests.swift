import SessionModel
@testable import Stress
import Testing

@Suite("What a run must have")
struct RequirementTests {
    private func result(_ change: (ScriptedField) -> Void = { _ in }, _ requirements: [String]) throws -> StressResult {
        var words = StressWords()
        words.sessions = "20"
        words.hold = "3s"
        let field = ScriptedField()
        change(field)
        let course = StressCourse(
            try StressOptions(words),
            requirements: try requirements.map { text throws(Refusal) in try Requirement(text) },
            words: [], began: "now")
        return try course.carryOut(on: field, live: .lines, isStopped: { false }, say: { _ in }).result
    }

    @Test(
        "every name and relation is known, and its unit is asked for",
        arguments: [
            "start.p50<=500ms", "start.p99<1s", "picture.max<=1.5s", "echo.p90<50ms", "reconnect.max<=5s",
            "stop.p99<1s",
            "open.p99<=200ms", "heal.max<=1m", "failures=0", "leftovers=0", "ledger.mismatches<=0", "unseen=0",
            "unhealed=0", "faults>=20", "wrongs=0", "alive=500", "returned=1000",
            "started>=1000", "up<=10s", "rate>=50/s", "statements.per.start<=30", "growth.controller<=10%",
            "growth.agent exec1<12.5%",
        ])
    func known(text: String) throws { #expect(try Requirement(text).text == text) }

    @Test(
        "what is no requirement is refused in one sentence",
        arguments: [
            "", "start.p99", "start.p99<=", "start.p99<=500", "start.p99<=0.5", "start.p98<=1s", "strat.p99<=1s",
            "failures=none",
            "failures=0ms", "failures=-1", "failures==0", "<=5s", "start<=1s", "growth.<=10%", "growth.relay<=10",
            "rate>=50",
            "start.p99=>1s", "start.p99<=1e3s", "start.p99<=infs", "leftovers=0 ", " leftovers=0",
        ])
    func unknown(text: String) {
        do throws(Refusal) {
            _ = try Requirement(text)
            Issue.record("\(text) was taken")
        } catch {
            #expect(error.exitStatus == .usage)
            #expect(error.userMessage.hasPrefix("--require"))
        }
    }

    @Test("each is compared with what was measured, and what was not measured is missed")
    func verdicts() throws {
        let required = [
            "start.p99<=500ms", "start.p99<1ms", "failures=0", "started=20", "started>20", "up<=10s",
            "reconnect.max<=5s",
            "growth.relay<=10%", "leftovers=0", "ledger.mismatches=0", "rate>=5/s",
        ]
        let result = try result({ $0.account = nil }, required)
        #expect(result.verdicts.map(\.requirement) == required)
        #expect(
            result.verdicts.map(\.isMet) == [
                true, false, true, true, false, true, false, false, true, false, true,
            ])
        #expect(result.verdicts[6].measured == "not measured")
        #expect(result.verdicts[9].measured == "not measured")
        #expect(result.verdicts[3].measured == "20")
        #expect(!result.isGood)
        #expect(result.verdict == "5 of 11 requirements missed")
    }

    @Test("leftovers and ledger mismatches are counted")
    func afterwards() throws {
        let result = try result(
            {
                $0.leftBehind = ["exec1: mount /x", "session: 3 rows"]
                $0.account = LedgerFigures(views: 20, rows: 19, mismatches: 1, examples: ["Session 3 has no row."])
            }, ["leftovers=0", "ledger.mismatches<=1"])
        #expect(result.verdicts.map(\.isMet) == [false, true])
        #expect(result.verdicts.map(\.measured) == ["2", "1"])
    }

    @Test("a run that meets all says so")
    func good() throws {
        let result = try result({ _ in }, ["failures=0"])
        #expect(result.isGood && result.verdict == "the requirement is met")
    }
}
