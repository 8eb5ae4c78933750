import SessionModel
import Testing

@testable import ControlProtocol

@Suite("the people's words")
struct PeoplesWordsTests {
    @Test("a ticket takes its time, mode and user in any order")
    func ticket() throws {
        #expect(
            try Command(["ticket", "--for", "2h", "12", "--once", "user=bob", "--read-only", "--json"])
                == .ask(
                    .ticket(
                        TicketOrder(
                            session: SessionNumber(12), user: UserName("bob"), seconds: 7200, once: true, readOnly: true
                        )),
                    asJSON: true))
    }

    @Test("times that are none are refused", arguments: ["", "m", "0s", "-1m", "31d", "9999999999s", "1w"])
    func times(text: String) {
        #expect(throws: Refusal.self) { try Command(["ticket", "12", "--for", text]) }
    }

    @Test("a mistyped word names the closest one")
    func closest() {
        #expect(throws: Refusal("There is no 'maxwell sesions'; did you mean 'maxwell sessions'?", .usage)) {
            try Command(["sesions"])
        }
    }

    @Test("parameters end at 64 KiB once decoded")
    func limit() throws {
        let most = String(repeating: "%41", count: 65536)
        let start = ["start", "user=a", "app=b"]
        #expect(throws: Never.self) { try Command(start + ["params=" + most]) }
        #expect(throws: Refusal.self) { try Command(start + ["params=" + most + "A"]) }
    }

    @Test("a host without isolation is marked in the list")
    func isolation() throws {
        let row = HostLine(
            host: "east", status: "up", connected: true, isolation: "none", uses: 1, maximumUses: 0, zone: "",
            agentVersion: "0.1.0")
        #expect(
            PrintedAnswer(.hosts([row]), to: .hosts).output == """
                HOST  STATUS  AGENT      ISOLATION            SESSIONS  AT MOST  ZONE  VERSION
                east  up      connected  none (NOT ISOLATED)         1        -  -     0.1.0

                """)
    }
}
