import Glibc
import HostProtocol
import SessionModel
import Testing

@testable import Isolation

@Suite("a waiting display handed over", .serialized)
struct HandOverTests {
    @Test("it gets the application's size first, and the keeper watches it no longer")
    func size() throws {
        try withDisplay(3121) { agent, number in
            let keeper = try #require(agent.processes("keep 3121").first)
            let before = names(in: "/proc/\(keeper)/fd").count
            #expect(
                try agent.start("xdpyinfo", on: number, geometry: Geometry("1280x720")) == .applicationStarted)
            #expect(try agent.exit().status == 0)
            #expect(agent.file("7/app.log").contains("dimensions:    1280x720 pixels"))
            #expect(names(in: "/proc/\(keeper)/fd").count == before - 3)
            let viewer = try #require(connectUnix("\(agent.run)/displays/\(number)/x/rfb"))
            defer { close(viewer) }
            _ = fcntl(viewer, F_SETFL, fcntl(viewer, F_GETFL) & ~O_NONBLOCK)
            let picture = try FrameReader(socket: viewer, password: Secret("abcd1234")).read()
            #expect(picture.width == 1280 && picture.height == 720)
            expectEnded(try agent.end(number))
        }
    }

    @Test("one that hangs is broken, starts nothing, stays broken and can be ended")
    func hanging() throws {
        try withDisplay(3122) { agent, number in
            for pid in agent.serverProcesses(of: number) { kill(pid, SIGSTOP) }
            expectFailure(try agent.start("echo ran", on: number), .displayBroken)
            for pid in agent.serverProcesses(of: number) { kill(pid, SIGCONT) }
            expectFailure(try agent.start("echo ran", on: number), .displayBroken)
            #expect(agent.file("7/app.log") == "")
            expectEnded(try agent.end(number))
            #expect(agent.traces(of: number) == [])
        }
    }

    @Test("one that is ended while it is checked is ended, and the hand-over is answered")
    func endedInCheck() throws {
        try withDisplay(3123) { agent, number in
            for pid in agent.serverProcesses(of: number) { kill(pid, SIGSTOP) }
            try agent.send(
                .startApplication(agent.order("true", on: number, session: 7, geometry: .usual)))
            expectEnded(try agent.end(number))
            guard case .reply(_, let answer) = try agent.event() else {
                Issue.record("the hand-over was not answered")
                return
            }
            expectFailure(answer, .displayBusy)
            #expect(agent.traces(of: number) == [])
        }
    }

    @Test("one whose Xvnc was replaced is stale, the host tells its new template, and a new display is current")
    func stale() throws {
        let folder = "/tmp/mw-x\(Secret.token().exposed.prefix(8))"
        try makeFolder(folder, 0o755)
        defer { removeTree(folder) }
        let program = folder + "/Xvnc"
        try writeFile(program, try #require(contents(of: "/usr/bin/Xvnc")), mode: 0o755)
        // X displays of the machine itself: a number that no other run of this test takes.
        let first = 60_000 + Int(getpid()) % 5000
        try withDisplay(first, ["--isolation", "none", "--xvnc", program]) { agent, number in
            let template = try #require(agent.hello?.template)
            var times = [timeval(), timeval(tv_sec: 1_000_000_000, tv_usec: 0)]
            #expect(utimes(program, &times) == 0)
            expectFailure(try agent.start("true", on: number), .displayStale)
            expectFailure(try agent.start("true", on: number), .displayStale)
            let told = try agent.load()
            #expect(told.template != template)
            expectEnded(try agent.end(number))
            #expect(agent.traces(of: number) == [])
            #expect(try agent.make(number) == .displayReady)
            #expect(try agent.start("true", on: number) == .applicationStarted)
            expectEnded(try agent.end(number))
        }
    }

    @Test("its clocks start then, whatever it used while it waited; without a session there is nothing to account for")
    func clocks() throws {
        try withDisplay(3124) { agent, number in
            let waited = try #require(agent.cpuSeconds(of: number))
            #expect(waited > 0)
            let began = now()
            #expect(try agent.start("true", on: number, geometry: Geometry("800x600")) == .applicationStarted)
            let end = try agent.exit()
            let used = try #require(agent.cpuSeconds(of: number))
            #expect(end.cpuSeconds > 0 && end.cpuSeconds <= used - waited)
            #expect(end.wallSeconds > 0 && end.wallSeconds <= now() - began)
            expectEnded(try agent.end(number))
            #expect(try agent.make(number) == .displayReady)
            #expect(
                try agent.end(number)
                    == .displayEnded(
                        DisplayEnd(
                            display: number, session: nil, key: Agent.key, status: nil, wallSeconds: 0, cpuSeconds: 0)))
        }
    }

    @Test("the host tells its load again and again, and says it when it greets")
    func load() throws {
        try withAgent { agent in
            let greeted = try #require(agent.hello?.load)
            #expect(greeted.template == agent.hello?.template && greeted.template.utf8.count == 16)
            let load = try agent.load()
            #expect(load.memoryAvailable > 0 && load.memoryTotal > load.memoryAvailable)
            #expect(load.cores > 0 && load.load >= 0 && load.diskAvailable > 0)
            #expect(load.template == greeted.template)
        }
    }

    @Test("a display server that speaks something else is a failed display that leaves nothing")
    func strangeServer() throws {
        let folder = "/tmp/mw-x\(Secret.token().exposed.prefix(8))"
        try makeFolder(folder, 0o755)
        defer { removeTree(folder) }
        let talk = "#!/bin/sh\nprintf 'RFB 003.008\\n\\0'\nexec sleep 100\n"
        let listen = """
            #!/bin/sh
            while [ "$1" != -rfbunixpath ]; do shift; done
            exec socat UNIX-LISTEN:"$2" EXEC:\(folder)/talk

            """
        try writeFile(folder + "/talk", Array(talk.utf8), mode: 0o755)
        try writeFile(folder + "/Xvnc", Array(listen.utf8), mode: 0o755)
        try withAgent(["--isolation", "none", "--xvnc", folder + "/Xvnc"]) { agent in
            let number = try DisplayNumber(60_000 + Int(getpid()) % 5000)
            let reply = try agent.make(number)
            expectFailure(reply, .displayFailed)
            guard case .failed(let failure) = reply else { return }
            #expect(failure.cause.contains("it lets nobody in"))
            #expect(agent.traces(of: number) == [])
        }
    }
}
