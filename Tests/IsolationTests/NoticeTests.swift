import Glibc
import HostProtocol
import SessionModel
import Testing

@testable import Isolation

@Suite("what a user is told at the start", .serialized)
struct NoticeTests {
    private func windows(_ agent: Agent, _ number: DisplayNumber) throws -> Int {
        try agent.inside(number, ["xwininfo", "-root", "-tree"]).split(separator: "\n")
            .count { $0.contains("\"Message\": (\"xmessage\"") }
    }

    @Test("a notice of the order is a window once the application runs, and without one there is none")
    func notice() throws {
        try withDisplay(3221) { agent, number in
            var order = try agent.order("exec sleep 1000", on: number, session: 7, geometry: .usual)
            order.notice = "Your home folder has reached its limit."
            #expect(try agent.ask(.startApplication(order)) == .applicationStarted)
            while try windows(agent, number) == 0 { usleep(5000) }
            expectEnded(try agent.end(number))
            #expect(agent.traces(of: number) == [])
            #expect(try agent.make(number) == .displayReady)
            #expect(try agent.start("exec sleep 1000", on: number, session: 8) == .applicationStarted)
            #expect(try agent.ask(.ping) == .done)
            #expect(try windows(agent, number) == 0)
        }
    }

    @Test("a session starts on a full home: its files are in memory, its user is told, and nothing of it stays")
    func fullHome() throws {
        try withDisplay(3222) { agent, number in
            try #require(mount("tmpfs", agent.home, "tmpfs", 0, "size=64k,mode=700") == 0)
            defer { umount2(agent.home, Int32(MNT_DETACH)) }
            chown(agent.home, Agent.alice, Agent.alice)
            let filler = open(agent.home + "/filler", O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
            let part = [UInt8](repeating: 1, count: 4096)
            while write(filler, part, part.count) > 0 {}
            close(filler)
            let script =
                "pwd; id -u; cat $SESSIONDIR/resources; echo some > $SESSIONDIR/file && echo kept; exec sleep 1000"
            let order = try agent.order(script, on: number, session: 7, geometry: .usual)
            #expect(try agent.ask(.startApplication(order)) == .applicationStarted)
            while try windows(agent, number) == 0 { usleep(5000) }
            // The window may be there before the application has said everything.
            var log = ""
            while !log.hasSuffix("kept\n") { log = try agent.inside(number, ["cat", "/tmp/session-7/app.log"]) }
            #expect(log == "/tmp/session-7\n\(Agent.alice)\nsessionid 7\nkept\n")
            #expect(try agent.account(number).status == nil)
            expectEnded(try agent.end(number))
            umount2(agent.home, 0)
            #expect(agent.traces(of: number) == [])
        }
    }
}
