import Glibc
import HostProtocol
import SessionModel
import Testing

@testable import Isolation

@Suite("a message to the session's user", .serialized)
struct MessageTests {
    private static let notice = "Your session ends in 5 minutes.\nPlease save your work."

    private func windows(_ agent: Agent, _ number: DisplayNumber) throws -> Int {
        try agent.inside(number, ["xwininfo", "-root", "-tree"]).split(separator: "\n")
            .count { $0.contains("\"Message\": (\"xmessage\"") }
    }

    private func show(
        _ agent: Agent, _ number: DisplayNumber, _ text: String = Self.notice, seconds: Int = 600
    ) throws -> HostReply {
        try agent.ask(.message(display: number, key: Agent.key, text: text, seconds: seconds))
    }

    /// The display's xmessage, that runs.
    private func programs(_ agent: Agent, _ number: DisplayNumber) -> [Int32] {
        agent.serverProcesses(of: number).filter { text(of: "/proc/\($0)/comm") == "xmessage\n" }
    }

    @Test("it is a window of the session's own user, as confined as the application, and goes away when it is clicked")
    func clicked() throws {
        try withDisplay(3171) { agent, number in
            #expect(try agent.start("exec sleep 1000", on: number) == .applicationStarted)
            let sleeping = try #require(agent.left(of: number).application?.pid)
            #expect(try show(agent, number) == .done)
            while try windows(agent, number) == 0 { usleep(5000) }
            let program = try #require(programs(agent, number).first)
            func confinement(_ pid: Int32) -> [Substring]? {
                text(of: "/proc/\(pid)/status")?.split(separator: "\n").filter { line in
                    ["Uid:", "Gid:", "Groups:", "CapBnd:", "CapEff:", "NoNewPrivs:", "Seccomp:"]
                        .contains { line.hasPrefix($0) }
                }
            }
            #expect(confinement(program) == confinement(sleeping) && runningUser(of: program) == Agent.alice)
            #expect(Agent.namespaces(of: program) == Agent.namespaces(of: sleeping))
            #expect(text(of: "/proc/\(program)/cgroup") == text(of: "/proc/\(sleeping)/cgroup"))
            _ = try agent.inside(
                number,
                [
                    "sh", "-c",
                    "id=$(xdotool search --name '^Message$'); xdotool mousemove --window $id 20 20 key Return",
                ])
            while try windows(agent, number) > 0 || !programs(agent, number).isEmpty { usleep(5000) }
            #expect(try agent.account(number).status == nil && agent.news.isEmpty)
            #expect(try agent.inventory().map(\.state) == [.used])
            expectEnded(try agent.end(number))
            #expect(agent.traces(of: number) == [])
        }
    }

    @Test("it goes away by itself, and a new one takes the place of an old one")
    func replaced() throws {
        try withDisplay(3172) { agent, number in
            #expect(try agent.start("exec sleep 1000", on: number) == .applicationStarted)
            #expect(try show(agent, number) == .done)
            while try windows(agent, number) == 0 { usleep(5000) }
            #expect(try show(agent, number, seconds: 1) == .done)
            while try windows(agent, number) == 2 { usleep(5000) }
            #expect(programs(agent, number).count <= 1)
            while try !programs(agent, number).isEmpty || windows(agent, number) > 0 { usleep(5000) }
            #expect(agent.news.isEmpty)
            expectEnded(try agent.end(number))
        }
    }

    @Test("an end does not wait for it, even when it hangs")
    func ended() throws {
        try withDisplay(3173) { agent, number in
            #expect(try agent.start("exec sleep 1000", on: number) == .applicationStarted)
            #expect(try show(agent, number) == .done)
            while programs(agent, number).isEmpty { usleep(2000) }
            for pid in programs(agent, number) { kill(pid, SIGSTOP) }
            expectEnded(try agent.ask(.endDisplay(display: number, key: Agent.key, patienceSeconds: 600)))
            #expect(agent.traces(of: number) == [])
        }
    }

    @Test("a session that has ended, is ending or is another one gets none")
    func refused() throws {
        try withDisplay(3174) { agent, number in
            expectFailure(try show(agent, number), .refused)
            #expect(try agent.start("trap '' HUP; echo here; read line", on: number) == .applicationStarted)
            expectFailure(
                try agent.ask(.message(display: number, key: .token(), text: "x", seconds: 9)), .displayUnknown)
            _ = try agent.exit()
            expectFailure(try show(agent, number), .refused)
            expectEnded(try agent.end(number))
            expectFailure(try show(agent, number), .displayUnknown)
        }
    }

    @Test("a host without xmessage says so, to check too, and is good all the same")
    func missing() throws {
        try withAgent(bound: ["/usr/bin/xmessage": "/dev/null"]) { agent in
            let number = try DisplayNumber(3175)
            #expect(try agent.make(number) == .displayReady)
            #expect(try agent.start("exec sleep 1000", on: number) == .applicationStarted)
            #expect(
                try show(agent, number) == .failed(HostFailure(.refused, "xmessage is not installed")))
            guard case .lines(let lines, let good) = try agent.ask(.check) else {
                Issue.record("no lines")
                return
            }
            #expect(good && lines.contains("warning: xmessage is not installed: messages to users will not show"))
            expectEnded(try agent.end(number))
        }
    }

    @Test(
        "its text is what the window's font can show, in lines of at most 70 characters and 1 KiB in all",
        arguments: [
            ("Gr\u{FC}\u{DF}e \u{2013} \u{201C}now\u{201D}\u{2026}", "Gr\u{FC}\u{DF}e - \"now\"..."),
            ("\u{1B}[31mred\u{7}\ttext\r\nnext \u{4E2D}", "[31mred text\nnext ?"),
            (
                String(repeating: "word ", count: 20),
                "word" + String(repeating: " word", count: 13) + "\n" + String(repeating: "word ", count: 6)
            ),
            (
                String(repeating: "x", count: 100),
                String(repeating: "x", count: 70) + "\n" + String(repeating: "x", count: 30)
            ),
            ("", ""),
        ])
    func words(given: String, shown: String) {
        #expect(Message.shown(given) == shown.unicodeScalars.map { UInt8($0.value) })
    }

    @Test("a text that is too long is cut, however long it is")
    func long() {
        for text in [String(repeating: "x", count: 1 << 20), String(repeating: "\n", count: 5000)] {
            let shown = Message.shown(text)
            #expect(shown.count == 1024 && shown.suffix(3) == Array("...".utf8)[...])
        }
    }
}
