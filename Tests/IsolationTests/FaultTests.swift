import Glibc
import HostProtocol
import SessionModel
import Testing

@testable import Isolation

@Suite("what goes wrong on a real host", .serialized)
struct FaultTests {
    @Test("a data process that is killed is started again by the running serve, and views go on")
    func dataDies() throws {
        try withDisplay(3111) { agent, number in
            let first = try #require(agent.processes("data").first)
            kill(first, SIGKILL)
            while (try? agent.data("PING\n")) != "OK\n" { usleep(2000) }
            #expect(agent.processes("data") != [first])
            #expect(try agent.data("RFB 3111 \(Agent.key.exposed)\n", bytes: 15) == "OK\nRFB 003.008\n")
            // A serve that did not start it watches it too.
            agent.stop()
            try agent.start()
            for pid in agent.processes("data") { kill(pid, SIGKILL) }
            while (try? agent.data("PING\n")) != "OK\n" { usleep(2000) }
            _ = try agent.end(number)
        }
    }

    @Test("a bubblewrap that is killed takes its display along, and its death is told")
    func wrapperDies() throws {
        try withDisplay(3112) { agent, number in
            #expect(try agent.start("exec xterm", on: number) == .applicationStarted)
            let wrapper = try #require(agent.serverProcesses(of: number).first)
            kill(wrapper, SIGKILL)
            var event = try agent.event()
            // The application, which dies with it, may be told first.
            if case .applicationExited(let end) = event {
                #expect(end.status == 137)
                event = try agent.event()
            }
            guard case .displayDied(let end) = event else {
                Issue.record("the death was not told")
                return
            }
            #expect(end.display == number && end.session == SessionNumber(7))
            #expect(agent.traces(of: number) == [])
        }
    }

    @Test("a keeper that is killed under a running serve is cleaned up after and told at once")
    func keeperDies() throws {
        try withDisplay(3119) { agent, number in
            #expect(try agent.start("trap '' TERM HUP; echo here; sleep 1000", on: number) == .applicationStarted)
            while agent.file("7/app.log") != "here\n" { usleep(2000) }
            for pid in agent.processes("keep 3119") { kill(pid, SIGKILL) }
            guard case .displayDied(let end) = try agent.event() else {
                Issue.record("the death was not told")
                return
            }
            #expect(end.display == number && end.session == SessionNumber(7))
            #expect(agent.traces(of: number) == [])
            #expect(agent.file("7-expired/app.log") == "here\n")
            #expect(try agent.make(number) == .displayReady)
            _ = try agent.end(number)
        }
    }

    @Test("an Xvnc that ends at its start is a failed display that leaves nothing")
    func serverFails() throws {
        try withAgent(["--xvnc", "/bin/false"]) { agent in
            let number = try DisplayNumber(3113)
            expectFailure(try agent.make(number), .displayFailed)
            #expect(agent.traces(of: number) == [])
        }
    }

    @Test("a full disk is told as such and leaves nothing, and space brings the host back")
    func diskFull() throws {
        try withAgent(disk: "512k") { agent in
            let number = try DisplayNumber(3114)
            agent.fillDisk()
            expectFailure(try agent.make(number), .diskFull)
            #expect(agent.traces(of: number) == [])
            unlink(agent.run + "/filler")
            #expect(try agent.make(number) == .displayReady)
            agent.fillDisk()
            expectFailure(try agent.start("true", on: number), .diskFull)
            unlink(agent.run + "/filler")
            #expect(try agent.start("exec sleep 1000", on: number) == .applicationStarted)
            _ = try agent.end(number)
            #expect(agent.traces(of: number) == [])
        }
    }

    @Test("without containers, a number another X server of the machine has is busy until it ends")
    func numberTaken() throws {
        try withAgent(["--isolation", "none"]) { first in
            try withAgent(["--isolation", "none"]) { second in
                // X displays of the machine itself: a number that no other run of this test takes.
                let number = try DisplayNumber(20_000 + Int(getpid()) % 20_000)
                #expect(try first.make(number) == .displayReady)
                expectFailure(try second.make(number), .displayBusy)
                #expect(!second.exists(number))
                expectEnded(try first.end(number))
                #expect(first.traces(of: number) == [])
                #expect(access("/tmp/.X\(number)-lock", F_OK) != 0)
                #expect(try second.make(number) == .displayReady)
                _ = try second.end(number)
            }
        }
    }

    @Test("an Xvnc that another one was faster than is a busy number, not a failure")
    func raceLost() {
        let words = "Fatal server error: | (EE) Server is already active for display 7"
        #expect(PlainDisplay.failure(log: words).kind == .displayBusy)
        #expect(PlainDisplay.failure(log: "out of memory").kind == .displayFailed)
    }

    @Test("check tells disk, memory, load, cgroups and programs, a line each")
    func check() throws {
        try withAgent { agent in
            guard case .lines(let lines, _) = try agent.ask(.check) else {
                Issue.record("no lines")
                return
            }
            for word in ["disk \(agent.run): ", "memory: ", "load: ", "Xvnc", "bwrap", "displays: 0"] {
                #expect(lines.contains { $0.contains(word) }, "\(word)")
            }
            let groups = try #require(lines.first { $0.hasPrefix("ok: cgroups: ") })
            #expect(groups.contains(" (v1)") || groups.contains(" (v2)"))
            #expect(!lines.contains { $0.contains("no cgroup can be made") })
            // What this machine's cgroups bound, or that they do not.
            for bound in ["memory", "cpu", "processes"] {
                let told = lines.contains { $0.hasPrefix("ok: limits: ") && $0.contains("\(bound) (v") }
                #expect(told != lines.contains { $0.hasPrefix("warning: no cgroup bounds \(bound): ") })
            }
        }
    }

    @Test("the log of what outlives the agent is begun anew when it is long, and the old one is kept")
    func longLog() throws {
        try withDisplay(3330) { agent, number in
            let log = agent.run + "/host.log"
            try writeFile(log, [UInt8](repeating: 65, count: 5 << 20), mode: 0o600)
            let next = try DisplayNumber(number.value + 1)
            try #require(try agent.make(next) == .displayReady)
            #expect(text(of: log + ".1")?.utf8.count == 5 << 20 && text(of: log)?.contains("AAAA") == false)
            for one in [number, next] { expectEnded(try agent.end(one)) }
        }
    }

    @Test("check warns of a host on which no cgroup can be made, and what is therefore not bounded")
    func noGroups() throws {
        let nothing = "/tmp/mw-x\(Secret.token().exposed.prefix(8))"
        try makeFolder(nothing, 0o755)
        defer { removeTree(nothing) }
        try withAgent(bound: ["/sys/fs/cgroup": nothing]) { agent in
            guard case .lines(let lines, let good) = try agent.ask(.check) else {
                Issue.record("no lines")
                return
            }
            #expect(good)
            #expect(lines.contains("warning: no cgroup can be made: nothing counts or bounds what a display uses"))
            #expect(!lines.contains { $0.hasPrefix("ok: cgroups: ") || $0.hasPrefix("ok: limits: ") })
            for bound in ["memory", "cpu", "processes"] {
                #expect(lines.contains("warning: no cgroup bounds \(bound): one session can take all of the host's"))
            }
            #expect(names(in: nothing) == [])
        }
    }
}
