import Foundation
import SessionModel
import Testing

@testable import ControlProtocol

@Suite("the words of load tests")
struct StressWordTests {
    private func start(_ more: String...) throws -> StartOrder? {
        guard
            case .ask(.start(let order), asJSON: false) = try Command(
                ["start", "user=stress-0001", "app=xterm"] + more)
        else { return nil }
        return order
    }

    @Test(
        "a start is marked with one more key",
        arguments: [
            ("stress=yes", .real), ("stress=1", .real), ("stress=synthetic", .synthetic),
            ("stress=Synthetic", .synthetic),
            ("stress=no", nil), ("stress=", nil),
        ] as [(String, StressMark?)])
    func mark(word: String, mark: StressMark?) throws { #expect(try start(word)?.stress == mark) }

    @Test("without it a start is a person's") func noMark() throws {
        #expect(try start() != nil)
        #expect(try start()?.stress == nil)
    }

    @Test("what is no mark is refused in one sentence, and other words take none")
    func refusals() {
        #expect(throws: Refusal("The value of 'stress' is neither yes nor synthetic.", .usage)) {
            try start("stress=real<b>")
        }
        #expect(throws: Refusal.self) { try start("stress=yes", "stress=yes") }
        #expect(throws: Refusal.self) { try Command(["view", "sess=1", "stress=yes"]) }
    }

    @Test("a start that an older portal's command asked for has no mark")
    func olderCommand() throws {
        let text = #"{"user":"alice","address":"","application":"xterm","version":""}"#
        let order = try JSONDecoder().decode(StartOrder.self, from: Data(text.utf8))
        #expect(
            order
                == StartOrder(user: UserName(known: "alice"), address: "", application: ApplicationName(known: "xterm"))
        )
        let marked = StartOrder(
            user: try .stress(1), address: "", application: ApplicationName(known: "xterm"), stress: .synthetic)
        #expect(try JSONDecoder().decode(StartOrder.self, from: JSONEncoder().encode(marked)) == marked)
    }

    @Test("'maxwell stress' is a program of its own, which tells its own help")
    func program() throws {
        #expect(
            try Command(["stress", "--sessions", "100"])
                == .become(program: "maxwell-stress", arguments: ["--sessions", "100"]))
        #expect(try Command(["stress", "--help"]) == .become(program: "maxwell-stress", arguments: ["--help"]))
        #expect(HelpText.overview.contains(" stress "))
    }

    @Test("requests and replies read back", arguments: [StressWord.leftovers, .clean, .ledger(after: nil, count: 5)])
    func frames(word: StressWord) throws {
        let request = ControlFrame(id: 7, body: ControlRequest.stress(word))
        let decoded = try JSONDecoder().decode(
            ControlFrame<ControlRequest>.self, from: JSONEncoder().encode(request))
        #expect(decoded == request)
        for reply in [
            ControlReply.stressLedger([
                StressView(session: SessionNumber(4), user: "stress-0001", seconds: 1.5)
            ]), .stressLeftovers([StressLeftover("one", isOfARun: true)]), .stressCleaned(sessions: 1, rows: 2),
        ] {
            let frame = ControlFrame(id: 7, body: reply)
            #expect(
                try JSONDecoder().decode(ControlFrame<ControlReply>.self, from: JSONEncoder().encode(frame)) == frame)
        }
    }

    @Test("a page of two thousand views, the most there are of one session, fits into a line of the control socket")
    func longest() throws {
        let view = StressView(
            session: SessionNumber(.max), user: String(repeating: "w", count: 32), seconds: 123456.78901234567,
            viewtime: 123456.78901234567)
        let frame = ControlFrame(id: .max, body: ControlReply.stressLedger(Array(repeating: view, count: 2000)))
        #expect(try JSONEncoder().encode(frame).count < controlFrameLimit)
    }
}
