import Glibc
import HostProtocol
import SessionModel
import Testing

@Suite("a display on a real host", .serialized)
struct DisplayTests {
    @Test("an application runs as its user, sees only its display and may gain nothing")
    func confinement() throws {
        try withDisplay(3101) { agent, number in
            #expect(
                try agent.start(
                    "id; grep -E '^(NoNewPrivs|CapBnd|Seccomp):' /proc/self/status; cut -d: -f1 /proc/net/dev; "
                        + "test -x /etc/ssl && test -x /var/lib && test -x /var/cache && echo passable; "
                        + "unshare -Ur true && echo unshared; cat /etc/passwd; ls /proc; cat resources; exit 3",
                    on: number) == .applicationStarted)
            guard case .applicationExited(let end) = try agent.event() else {
                Issue.record("no exit was told")
                return
            }
            #expect(end.status == 3)
            #expect(end.session == SessionNumber(7))
            let said = agent.file("7/app.log")
            #expect(said.contains("uid=10001(alice) gid=10001(alice) groups=10001(alice),20001(science)"))
            #expect(said.contains("NoNewPrivs:\t1") && said.contains("Seccomp:\t2"))
            #expect(said.contains("CapBnd:\t0000000000000000"))
            #expect(said.contains("Operation not permitted") && !said.contains("unshared"))
            #expect(said.contains("sessionid 7"))
            #expect(said.split(separator: "\n").contains("passable"))
            #expect(said.contains("lo") && !said.contains("eth"))
            #expect(!said.split(separator: "\n").contains("\(getpid())"))
            expectEnded(try agent.end(number))
            #expect(agent.file("7-expired/app.log") == said)
        }
    }

    @Test("stop leaves no process, socket or folder")
    func stop() throws {
        try withDisplay(3102) { agent, number in
            #expect(try agent.start("trap '' HUP; setsid xterm & exec xterm", on: number) == .applicationStarted)
            let server = try #require(agent.serverProcesses(of: number).last)
            #expect(agent.traces(of: number).contains { $0.contains("/maxwell/display-3102-") })
            let inside = Agent.sharingMounts(of: server)
            #expect(inside.count > 2 && !inside.contains(getpid()))
            expectEnded(try agent.end(number))
            #expect(agent.traces(of: number) == [])
            #expect(inside.allSatisfy { kill($0, 0) != 0 })
            expectEnded(try agent.end(number))
            #expect(try agent.make(number) == .displayReady)
            _ = try agent.end(number)
        }
    }

    @Test("an end that comes late does not meet the display that has the number by now")
    func lateEnd() throws {
        try withDisplay(3104) { agent, number in
            #expect(try agent.start("exec xterm", on: number) == .applicationStarted)
            let late = try agent.ask(.endDisplay(display: number, key: .token(), patienceSeconds: 0))
            #expect(
                late
                    == .displayEnded(
                        DisplayEnd(display: number, session: nil, status: nil, wallSeconds: 0, cpuSeconds: 0)))
            #expect(try agent.data("RFB 3104 \(Agent.key.exposed)\n", bytes: 15) == "OK\nRFB 003.008\n")
            #expect(agent.exists(number) && agent.news.isEmpty)
            expectEnded(try agent.ask(.endDisplay(display: number, key: Agent.key, patienceSeconds: 2)))
            #expect(agent.traces(of: number) == [])
        }
    }

    @Test("the data socket gives a display's bytes to who shows its key, and to nobody else")
    func dataLink() throws {
        try withDisplay(3103) { agent, number in
            #expect(try agent.data("PING\n") == "OK\n")
            #expect(try agent.data("RFB 3103 \(Agent.key.exposed)\n", bytes: 15) == "OK\nRFB 003.008\n")
            #expect(try agent.data("RFB 3103 \(String(repeating: "0", count: 32))\n").hasPrefix("NO "))
            #expect(try agent.data("RFB 3104 \(Agent.key.exposed)\n").hasPrefix("NO "))
            #expect(try agent.data(String(repeating: "x", count: 200)).hasPrefix("NO "))
            _ = try agent.end(number)
        }
    }

    @Test("a display outlives serve and is found again")
    func serveDies() throws {
        try withDisplay(3105) { agent, number in
            #expect(try agent.start("exec xterm", on: number) == .applicationStarted)
            agent.stop(SIGKILL)
            try agent.start()
            #expect(
                agent.hello?.inventory == [
                    DisplayReport(
                        display: number, state: .used, session: SessionNumber(7), template: agent.hello?.template,
                        key: Agent.key)
                ])
            _ = try agent.end(number)
        }
    }

    @Test("what a killed keeper left is cleaned up and told")
    func keeperDies() throws {
        try withDisplay(3106) { agent, number in
            #expect(try agent.start("echo here; exec sleep 1000", on: number) == .applicationStarted)
            while agent.file("7/app.log") != "here\n" { usleep(2000) }
            agent.stop()
            for pid in agent.processes("keep 3106") { kill(pid, SIGKILL) }
            try agent.start()
            while agent.hello?.inventory.isEmpty == false {
                agent.stop()
                try agent.start()
            }
            guard case .displayDied(let end) = try agent.event() else {
                Issue.record("the death was not told")
                return
            }
            #expect(end.display == number && end.session == SessionNumber(7))
            #expect(agent.traces(of: number) == [])
            #expect(agent.file("7-expired/app.log") == "here\n")
        }
    }

    @Test("an Xvnc that dies is told, and nothing of the display is left")
    func serverDies() throws {
        try withDisplay(3107) { agent, number in
            for pid in agent.serverProcesses(of: number) { kill(pid, SIGKILL) }
            guard case .displayDied = try agent.event() else {
                Issue.record("the death was not told")
                return
            }
            #expect(agent.traces(of: number) == [])
        }
    }

    @Test("a home that is not there is refused, and the display can still be used")
    func homeMissing() throws {
        try withDisplay(3108) { agent, number in
            rename(agent.home, agent.home + ".away")
            expectFailure(try agent.start("true", on: number), .homeUnavailable)
            rename(agent.home + ".away", agent.home)
            #expect(try agent.start("exec xterm", on: number) == .applicationStarted)
            _ = try agent.end(number)
        }
    }
}
