import SessionModel
import Stress
import Testing

@Suite("A run from its plan to its result")
struct CourseTests {
    private func course(_ sessions: String = "30", _ change: (inout StressWords) -> Void = { _ in }) throws
        -> StressCourse
    {
        var words = StressWords()
        words.sessions = sessions
        words.hold = "4s"
        change(&words)
        return StressCourse(try StressOptions(words), requirements: [], words: ["--sessions", sessions], began: "then")
    }

    @Test("it is looked at, carried out, compared with the ledger, cleaned, and looked at again")
    func order() throws {
        let field = ScriptedField()
        let outcome = try course().carryOut(on: field, live: .lines, isStopped: { false }, say: { _ in })
        #expect(field.calls == ["look", "run", "ledger", "clean", "leftovers"])
        #expect(outcome.error == nil)
        #expect(outcome.result.counts.started == 30 && outcome.result.counts.seen == 30)
        #expect(outcome.result.counts.failures == 0)
        #expect(outcome.result.head.words == ["--sessions", "30"])
    }

    @Test("what cannot work is refused before anything starts")
    func refused() throws {
        let field = ScriptedField()
        field.refusal = Refusal("Only root may.", .noPermission)
        #expect(throws: Refusal("Only root may.", .noPermission)) {
            try course().carryOut(on: field, live: .lines, isStopped: { false }, say: { _ in })
        }
        #expect(field.calls == ["look"])
    }

    @Test("a run that breaks off is cleaned all the same, and tells what was until then")
    func broken() throws {
        let field = ScriptedField()
        field.before = { if $0 == 60 { throw Refusal("The loop broke.", .osError) } }
        let outcome = try course().carryOut(on: field, live: .lines, isStopped: { false }, say: { _ in })
        #expect((outcome.error as? Refusal)?.userMessage == "The loop broke.")
        #expect(field.calls == ["look", "run", "ledger", "clean", "leftovers"])
        #expect(outcome.result.wasStoppedEarly && outcome.result.counts.started > 0)
    }

    @Test("a ledger that cannot be read afterwards makes no run shorter, and hides no viewer without a picture")
    func unreadable() throws {
        let field = ScriptedField()
        field.ledgerRefusal = Refusal("The controller does not answer.", .tryAgain)
        field.isBlind = true
        let outcome = try course().carryOut(on: field, live: .lines, isStopped: { false }, say: { _ in })
        #expect((outcome.error as? Refusal)?.userMessage == "The controller does not answer.")
        #expect(field.calls == ["look", "run", "ledger", "clean", "leftovers"])
        #expect(!outcome.result.wasStoppedEarly && outcome.result.counts.unseen == 30)
    }

    @Test("a run that is ended by hand is cleaned, and counts nothing as failed that was not to be")
    func stopped() throws {
        let field = ScriptedField()
        field.before = { [unowned field] in if $0 == 60 { field.stop() } }
        let outcome = try course().carryOut(on: field, live: .lines, isStopped: { field.isStopped }, say: { _ in })
        #expect(outcome.result.wasStoppedEarly && outcome.result.counts.failures == 0)
        #expect(outcome.result.summary.hasSuffix("ended early."))
        #expect(field.calls.suffix(2) == ["clean", "leftovers"])
    }

    @Test("without a terminal a line is said each five seconds")
    func lines() throws {
        var said = ""
        _ = try course("200").carryOut(on: ScriptedField(), live: .lines, isStopped: { false }) { said += $0 }
        let lines = said.split(separator: "\n")
        #expect(lines.count == 5)
        #expect(lines.map { $0.split(separator: ":")[0] } == ["0 s", "5 s", "10 s", "15 s", "20 s"])
        #expect(lines[2].contains("10 starts/s; start p50"), "\(lines[2])")
        #expect(!said.contains("\u{1B}"))
    }

    @Test("a line has the failures by cause, the most frequent first, and three of them")
    func causes() throws {
        var tally = Tally(StressPlan(try StressOptions(StressWords())))
        for (count, cause) in [(1, "start: a"), (2, "start: b"), (4, "start: d"), (3, "start: c")] {
            for _ in 0..<count {
                tally.note(.refused(session: 0, at: 1, took: 1, Observation.Failure(cause, "an example")))
            }
        }
        var live = LiveReport(.lines)
        let line = live.text(tally) ?? ""
        #expect(line.hasSuffix("10 failures (4 start: d, 3 start: c, 2 start: b, …)\n"), "\(line)")
    }

    @Test("on a terminal one block is drawn again each second, no line longer than it is wide, and gone at the end")
    func block() throws {
        var said: [String] = []
        _ = try course("200").carryOut(on: ScriptedField(), live: .block(columns: 60), isStopped: { false }) {
            said.append($0)
        }
        #expect((20...27).contains(said.count))
        for (one, next) in zip(said, said.dropFirst()) {
            let lines = one.split(separator: "\n", omittingEmptySubsequences: false).count - 1
            #expect(next.hasPrefix("\u{1B}[\(lines)A\u{1B}[J"))
            #expect(one.split(separator: "\n").allSatisfy { $0.drop { $0 != "J" }.count <= 61 })
        }
        #expect(said.last?.hasSuffix("A\u{1B}[J") == true)
    }
}
