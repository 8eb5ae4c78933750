import Foundation
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
                HOST  STATUS  AGENT      ISOLATION            SESSIONS  AT MOST  READY  READY GL  MEMORY  LOAD  ZONE  VERSION  NOTE
                east  up      connected  none (NOT ISOLATED)         1        -      0         0       -     -  -     0.1.0    -

                """)
    }

    @Test("the hosts tell what is ready there, what is left, and why one was set aside")
    func hosts() throws {
        let row = HostLine(
            host: "east", status: "check", connected: true, isolation: "container", uses: 3, maximumUses: 40,
            zone: "west", agentVersion: "0.1.0", ready: 2, readyGL: 1, memory: 1900, load: 0.456,
            note: "3 starts failed\nin a row")
        #expect(
            PrintedAnswer(.hosts([row]), to: .hosts).output == """
                HOST  STATUS  AGENT      ISOLATION  SESSIONS  AT MOST  READY  READY GL  MEMORY  LOAD  ZONE  VERSION  NOTE
                east  check   connected  container         3       40      2         1   1900M  0.46  west  0.1.0    3 starts failed in a row

                """)
        #expect(
            PrintedAnswer(.hosts([row]), to: .hosts, asJSON: true).output == """
                [{"host":"east","status":"check","connected":true,"isolation":"container","uses":3,"maximum_uses":40,\
                "zone":"west","agent_version":"0.1.0","ready":2,"ready_gl":1,"memory":1900,"load":0.456,\
                "note":"3 starts failed\\nin a row"}]

                """)
    }

    @Test("a host's status is one of three words", arguments: [HostStatus.up, .down, .drain])
    func hostStatus(status: HostStatus) throws {
        #expect(
            try Command(["host", status.rawValue, "east"])
                == .ask(.setHostStatus(host: HostName("east"), status: status, endAfter: nil), asJSON: false))
    }

    @Test(
        "other words about a host are refused",
        arguments: [
            ["host"], ["host", "east"], ["host", "check", "east"], ["host", "drain"], ["host", "drain", "a", "b"],
        ])
    func noHostStatus(arguments: [String]) {
        #expect(throws: Refusal.self) { try Command(arguments) }
    }

    @Test("the manual has every word and option that help tells of")
    func manual() throws {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let page = try String(contentsOf: folder.appendingPathComponent("docs/man/maxwell.1"), encoding: .utf8)
            .replacing("\\", with: "")
        for word in HelpText.words where word != "help" {
            let entries = try Regex("\\n\\.T[PQ]\\n\\.(B|BI|BR) \"?\(word)\\b")
            #expect(page.contains(entries), "\(word)")
            let options = (HelpText.of(word) ?? "").matches(of: /--[a-z-]+/).map(\.output)
            for option in options where !page.contains(option) { Issue.record("\(word) \(option)") }
        }
    }

    @Test("every word that has its own help has a line in the overview")
    func help() throws {
        for word in HelpText.words where HelpText.of(word) != nil {
            guard case .tell(let text) = try Command([word, "--help"]) else {
                Issue.record("'\(word) --help' is not told")
                continue
            }
            #expect(text.hasPrefix("maxwell \(word)"))
            #expect(HelpText.overview.contains(" \(word)"), "\(word)")
            #expect((text + HelpText.overview).split(separator: "\n").allSatisfy { $0.count <= 120 })
        }
    }
}
