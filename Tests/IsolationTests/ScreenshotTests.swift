import Glibc
import HostProtocol
import SessionModel
import Testing

@testable import Isolation

@Suite("a screenshot of a real display", .serialized)
struct ScreenshotTests {
    @Test(
        "it shows the application's pixels in the user's own file, once in 10 seconds, and no viewer notices",
        arguments: ["container", "none"])
    func screenshot(isolation: String) throws {
        try withAgent(["--isolation", isolation]) { agent in
            let number = try DisplayNumber(isolation == "container" ? 3110 : 40_000 + Int(getpid()) % 20_000)
            #expect(try agent.make(number, geometry: Geometry("200x150")) == .displayReady)
            expectFailure(try agent.ask(.screenshot(display: number)), .refused)
            #expect(
                try agent.start(
                    "xsetroot -solid '#c03020' && echo drawn > drawn; exec sleep 1000", on: number,
                    geometry: Geometry("200x150"))
                    == .applicationStarted)
            while agent.file("7/drawn") != "drawn\n" { usleep(2000) }
            let viewer = try #require(connectUnix("\(agent.run)/displays/\(number)/x/rfb"))
            defer { close(viewer) }
            _ = fcntl(viewer, F_SETFL, fcntl(viewer, F_GETFL) & ~O_NONBLOCK)
            #expect(try FrameReader(socket: viewer, password: Secret("abcd1234")).read().width == 200)
            #expect(try agent.ask(.screenshot(display: number)) == .done)
            var byte: UInt8 = 0
            #expect(recv(viewer, &byte, 1, Int32(MSG_DONTWAIT)) == -1 && errno == EAGAIN)
            let path = agent.home + "/data/sessions/7/screenshot.png"
            let picture = try #require(decodedPNG(path))
            #expect(picture.width == 200 && picture.height == 150)
            #expect(Array(picture.pixels.prefix(3)) == [0xC0, 0x30, 0x20])
            #expect(picture.pixels == (0..<200 * 150).flatMap { _ in [0xC0, 0x30, 0x20] as [UInt8] })
            var about = stat()
            #expect(lstat(path, &about) == 0)
            #expect(about.st_uid == Agent.alice && about.st_gid == Agent.alice && about.st_mode & 0o7777 == 0o640)
            expectFailure(try agent.ask(.screenshot(display: number)), .tooOften)
            _ = try agent.end(number)
        }
    }

    @Test("a display that hangs costs a screenshot its deadline and nobody else anything")
    func hanging() throws {
        try withDisplay(3118) { agent, number in
            #expect(try agent.start("exec sleep 1000", on: number) == .applicationStarted)
            for pid in agent.serverProcesses(of: number) { kill(pid, SIGSTOP) }
            try agent.send(.screenshot(display: number))
            #expect(try agent.ask(.ping) == .done)
            expectFailure(try agent.start("true", on: number), .displayBusy)
            guard case .reply(_, .failed(let failure)) = try agent.event() else {
                Issue.record("the screenshot was not answered as failed")
                return
            }
            #expect(failure.kind == .displayFailed)
            _ = try agent.end(number)
            #expect(agent.traces(of: number) == [])
        }
    }
}
