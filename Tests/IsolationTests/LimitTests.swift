import Glibc
import HostProtocol
import SessionModel
import Testing

@testable import Isolation

@Suite("a session's limits", .serialized)
struct LimitTests {
    @Test("the server, and all that is the user's, are bounded by groups of their own")
    func parts() throws {
        try withDisplay(3181) { agent, number in
            let limits = ResourceLimits(memory: 300, cpu: 150, cpuShare: 50, processes: 77)
            #expect(try agent.start("sleep 1000 & exec sleep 1000", on: number, limits: limits) == .applicationStarted)
            while agent.groups(ofDisplay: number).members(of: .session).count != 2 { usleep(2000) }
            let groups = agent.groups(ofDisplay: number)
            #expect(groups.members(of: nil) == [])
            #expect(groups.members(of: .session).allSatisfy { runningUser(of: $0) == Agent.alice })
            let server = groups.members(of: .server)
            #expect(server.contains { runningUser(of: $0) == 2_003_181 })
            #expect(server.allSatisfy { runningUser(of: $0) != Agent.alice })
            #expect(
                agent.said("memory.limit_in_bytes", "memory.max", of: .session, on: number) == "\(300 << 20)")
            #expect(agent.said("pids.max", of: .session, on: number) == "77")
            let quota = agent.said("cpu.cfs_quota_us", "cpu.max", of: .session, on: number)
            #expect(quota == "150000" || quota == "150000 100000")
            let share = agent.said("cpu.shares", "cpu.weight", of: nil, on: number)
            #expect(share == "512" || share == "50")
            #expect(agent.said("memory.limit_in_bytes", "memory.max", of: .server, on: number) == "\(1 << 30)")
            expectEnded(try agent.end(number))
            #expect(agent.traces(of: number) == [])
        }
    }

    @Test("a display whose application could not start gets the limits of the next one, wider or none")
    func again() throws {
        try withDisplay(3182) { agent, number in
            rename(agent.home, agent.home + ".away")
            let narrow = ResourceLimits(memory: 100, cpu: 50, processes: 20)
            expectFailure(try agent.start("true", on: number, limits: narrow), .homeUnavailable)
            let wider = ResourceLimits(memory: 200, cpu: 100, processes: 40)
            expectFailure(try agent.start("true", on: number, limits: wider), .homeUnavailable)
            #expect(
                agent.said("memory.limit_in_bytes", "memory.max", of: .session, on: number) == "\(200 << 20)")
            rename(agent.home + ".away", agent.home)
            let none = ResourceLimits(memory: 0, cpu: 0, processes: 0)
            #expect(try agent.start("exec sleep 1000", on: number, limits: none) == .applicationStarted)
            let memory = agent.said("memory.limit_in_bytes", "memory.max", of: .session, on: number)
            #expect(memory == "max" || memory.flatMap { Int($0) } ?? 0 > 1 << 50)
            #expect(agent.said("pids.max", of: .session, on: number) == "max")
            let quota = agent.said("cpu.cfs_quota_us", "cpu.max", of: .session, on: number)
            #expect(quota == "-1" || quota == "max 100000")
            expectEnded(try agent.end(number))
        }
    }

    @Test("limits that are out of range are refused, and nothing is started")
    func refused() throws {
        try withDisplay(3183) { agent, number in
            for limits in [
                ResourceLimits(memory: -1), ResourceLimits(cpu: -5), ResourceLimits(cpuShare: 0),
                ResourceLimits(processes: .max), ResourceLimits(files: 3), ResourceLimits(temporary: 0),
                ResourceLimits(wallTime: -1),
            ] {
                expectFailure(try agent.start("echo ran", on: number, limits: limits), .refused)
            }
            #expect(agent.file("7/app.log") == "")
            try agent.expectUsable(number, session: 8)
            expectEnded(try agent.end(number))
        }
    }

    @Test("each process, one of a message too, has the limits that setrlimit knows, and cannot lift them")
    func processLimits() throws {
        try withDisplay(3184) { agent, number in
            let command = "cat /proc/self/limits; (ulimit -Hn 5000) || echo refused; exec sleep 1000"
            let said = try agent.attack(command, until: "refused", on: number, limits: ResourceLimits(files: 700))
            for (name, value) in [
                ("Max open files", "700"), ("Max core file size", "1"), ("Max locked memory", "65536"),
                ("Max msgqueue size", "819200"), ("Max nice priority", "0"), ("Max realtime priority", "0"),
            ] {
                let line = said.split(separator: "\n").first { $0.hasPrefix(name) }
                let words = line?.dropFirst(name.count).split(separator: " ") ?? []
                #expect(words.prefix(2) == [value[...], value[...]], "\(name)")
            }
            #expect(
                try agent.ask(.message(display: number, key: Agent.key, text: "x", seconds: 600)) == .done)
            let message = try #require(
                agent.serverProcesses(of: number).first { text(of: "/proc/\($0)/comm") == "xmessage\n" })
            let files = text(of: "/proc/\(message)/limits")?.split(separator: "\n").first {
                $0.hasPrefix("Max open files")
            }
            #expect(files?.split(separator: " ").dropFirst(3).prefix(2) == ["700", "700"])
            let server = try #require(agent.left(of: number).first)
            let core = text(of: "/proc/\(server.pid)/limits")?.split(separator: "\n").first { $0.hasPrefix("Max core") }
            #expect(core?.split(separator: " ").dropFirst(4).prefix(2) == ["1", "1"])
            expectEnded(try agent.end(number))
        }
    }

    @Test("without cgroups the user's processes are counted all the same")
    func plain() throws {
        // X displays of the machine itself: a number that no other run of this test takes.
        let number = 31_000 + Int(getpid()) % 10_000
        try withDisplay(number, ["--isolation", "none"]) { agent, number in
            let limits = ResourceLimits(processes: 4321)
            #expect(try agent.start("cat /proc/self/limits", on: number, limits: limits) == .applicationStarted)
            #expect(try agent.exit().status == 0)
            let line = agent.file("7/app.log").split(separator: "\n").first { $0.hasPrefix("Max processes") }
            #expect(line?.split(separator: " ").dropFirst(2).prefix(2) == ["4321", "4321"])
            expectEnded(try agent.end(number))
        }
    }

    @Test(
        "an application whose time is over is told, ended as far as it needs, and counts as killed",
        arguments: [("exec sleep 1000", 129), ("trap '' HUP; trap 'exit 0' TERM; while :; do sleep 0.1; done", 143)])
    func wallTime(command: String, status: Int) throws {
        try withDisplay(3185) { agent, number in
            #expect(try agent.start(command, on: number, limits: ResourceLimits(wallTime: 1)) == .applicationStarted)
            let end = try agent.exit()
            #expect(end.status == status && end.wallSeconds >= 1)
            expectEnded(try agent.end(number))
            #expect(agent.traces(of: number) == [])
        }
    }

    @Test("its user sees it coming")
    func notice() throws {
        try withDisplay(3186) { agent, number in
            let limits = ResourceLimits(wallTime: 6)
            #expect(try agent.start("trap '' HUP; sleep 1000", on: number, limits: limits) == .applicationStarted)
            var seen = false
            while try agent.account(number).status == nil, !seen {
                seen = agent.serverProcesses(of: number).contains { text(of: "/proc/\($0)/comm") == "xmessage\n" }
                usleep(5000)
            }
            #expect(seen)
            expectEnded(try agent.end(number))
        }
    }

    @Test("it is told in words", arguments: [(1, "1 second"), (48, "48 seconds"), (300, "5 minutes")])
    func words(seconds: Int, shown: String) {
        #expect(Keeper.notice(seconds: seconds).contains(" is over in \(shown)."))
    }
}
