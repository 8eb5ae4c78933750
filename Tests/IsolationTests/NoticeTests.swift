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
}
