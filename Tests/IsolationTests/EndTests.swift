import Glibc
import HostProtocol
import SessionModel
import Testing

@testable import Isolation

@Suite("the end of a display", .serialized)
struct EndTests {
    private static let deaf = "trap '' HUP TERM; echo here; while :; do sleep 1000; done"

    @Test("viewers are cut when it begins, and nobody is let in any more, while the application still runs")
    func viewers() throws {
        try withDisplay(3141) { agent, number in
            #expect(try agent.start(Self.deaf, on: number) == .applicationStarted)
            while agent.file("7/app.log") != "here\n" { usleep(2000) }
            let line = "RFB 3141 \(Agent.key.exposed)\n"
            let viewers = try (0..<3).map { _ in try agent.connection(line) }
            defer { for viewer in viewers { close(viewer) } }
            var byte: UInt8 = 0
            for viewer in viewers { #expect(read(viewer, &byte, 1) == 1) }
            // Bytes that nobody reads any more do not make the end a broken connection.
            #expect(write(viewers[0], "RFB 003.008\n", 12) == 12)
            try agent.send(.endDisplay(display: number, key: Agent.key, patienceSeconds: 60))
            for viewer in viewers {
                var count = read(viewer, &byte, 1)
                while count > 0 { count = read(viewer, &byte, 1) }
                #expect(count == 0)
            }
            #expect(try agent.data(line).hasPrefix("NO "))
            #expect(try agent.inventory().map(\.state) == [.ending])
            #expect(try agent.account(number).wallSeconds < agent.account(number).wallSeconds)
            expectEnded(try agent.ask(.endDisplay(display: number, key: Agent.key, patienceSeconds: 0)))
            #expect(agent.traces(of: number) == [])
        }
    }

    @Test("an application that hears neither HUP nor TERM is killed, and only then its folder is renamed")
    func deaf() throws {
        try withDisplay(3142) { agent, number in
            #expect(try agent.start(Self.deaf, on: number) == .applicationStarted)
            while agent.file("7/app.log") != "here\n" { usleep(2000) }
            let inside = Agent.sharingNamespaces(of: try #require(agent.left(of: number).first).pid)
            #expect(inside.count > 2)
            try agent.send(.endDisplay(display: number, key: Agent.key, patienceSeconds: 0.3))
            let account = try agent.account(number)
            #expect(agent.file("7/app.log") == "here\n")
            let end = try #require(expectEnded(try agent.reply()))
            // It ran until the end: no status of its own, and both steps' patience in its time.
            #expect(end.status == nil && end.wallSeconds >= account.wallSeconds + 0.5)
            #expect(end.cpuSeconds >= account.cpuSeconds)
            #expect(agent.traces(of: number) == [])
            #expect(inside.allSatisfy { !$0.isAlive })
            #expect(agent.file("7-expired/app.log") == "here\n" && agent.file("7/app.log") == "")
        }
    }

    @Test(
        "an application that leaves on HUP, or on TERM, is not waited for any longer", arguments: ["", "trap '' HUP;"])
    func leaves(trap: String) throws {
        try withDisplay(3143) { agent, number in
            #expect(try agent.start("\(trap) echo here; exec sleep 1000", on: number) == .applicationStarted)
            while agent.file("7/app.log") != "here\n" { usleep(2000) }
            let patience = trap.isEmpty ? 600 : 0.3
            let end = try agent.ask(.endDisplay(display: number, key: Agent.key, patienceSeconds: patience))
            #expect(try #require(expectEnded(end)).status == nil)
            #expect(agent.traces(of: number) == [])
        }
    }

    @Test("one that comes while the application is brought in leaves nothing, and the hand-over is answered")
    func inLaunch() throws {
        try withDisplay(3144) { agent, number in
            try agent.send(.startApplication(agent.order("exec sleep 1000", on: number, session: 7, geometry: .usual)))
            expectEnded(try agent.ask(.endDisplay(display: number, key: Agent.key, patienceSeconds: 0)))
            _ = try agent.reply()
            #expect(agent.traces(of: number) == [])
            #expect(access(agent.home + "/data/sessions/7", F_OK) != 0)
        }
    }
}
