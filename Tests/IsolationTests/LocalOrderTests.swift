import Glibc
import HostProtocol
import SessionModel
import Testing

@testable import Isolation

@Suite("startvnc and stopvnc", .serialized)
struct LocalOrderTests {
    private func shell(_ command: String) -> (status: Int32, said: String) {
        guard let stream = popen(command, "r") else { return (-1, "") }
        var bytes: [UInt8] = []
        var part = [UInt8](repeating: 0, count: 1000)
        while case let count = fread(&part, 1, part.count, stream), count > 0 { bytes += part[..<count] }
        return (pclose(stream) >> 8, String(decoding: bytes, as: UTF8.self))
    }

    @Test("root starts a display by hand with a password, sees it, and stops it")
    func byHand() throws {
        try withAgent { agent in
            let number = try DisplayNumber(3116)
            let host = "\(Agent.program) --run \(agent.run)"
            let started = shell("echo testtest | \(host) startvnc 3116 300x200 24")
            #expect(started.status == 0 && started.said == "display 3116 is ready\n")
            let server = try #require(agent.serverProcesses(of: number).last { runningUser(of: $0) != 0 })
            #expect(runningUser(of: server) == 2_003_116)

            let socket = try #require(connectUnix("\(agent.run)/displays/3116/x/rfb"))
            defer { close(socket) }
            _ = fcntl(socket, F_SETFL, fcntl(socket, F_GETFL) & ~O_NONBLOCK)
            let picture = try FrameReader(socket: socket, password: Secret("testtest")).read()
            #expect(picture.width == 300 && picture.height == 200)

            // It is no controller's: not told as a stray, not made again, not ended.
            agent.stop()
            try agent.start()
            #expect(agent.hello?.inventory == [])
            guard case .failed(let busy) = try agent.make(number), case .failed(let refused) = try agent.end(number)
            else {
                Issue.record("a controller got a display that is not its own")
                return
            }
            #expect(busy.kind == .displayBusy && refused.kind == .refused)

            #expect(shell("echo other | \(host) startvnc 3116 300x200 24 2>&1").status == 69)
            #expect(shell("\(host) stopvnc 3116").said == "display 3116 is stopped\n")
            #expect(agent.traces(of: number) == [])
            #expect(shell("\(host) stopvnc 3116").status == 0)
        }
    }

    @Test(
        "what cannot be meant is a misuse",
        arguments: [
            "startvnc 0 300x200 24", "startvnc 5 300 24", "startvnc 5 300x200 25", "startvnc 5 300x200 24 --uid 0",
            "startvnc 5 300x200 24", "stopvnc", "stopvnc x",
        ])
    func misuse(_ words: String) {
        #expect(shell("\(Agent.program) --run /tmp/mw-none \(words) </dev/null 2>&1").status == 64)
        #expect(access("/tmp/mw-none", F_OK) != 0)
    }

    @Test("a key of a controller's cannot say it")
    func forcedCommand() {
        #expect(shell("SSH_ORIGINAL_COMMAND=x \(Agent.program) stopvnc 5 2>&1").status == 64)
    }
}
