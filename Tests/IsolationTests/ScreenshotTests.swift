import Glibc
import HostProtocol
import SessionModel
import Testing

@Suite("a screenshot of a real display", .serialized)
struct ScreenshotTests {
    @Test("it shows the application's pixels in the user's own file, once in 10 seconds")
    func screenshot() throws {
        let agent = try Agent()
        defer { agent.tearDown() }
        let number = try DisplayNumber(3110)
        #expect(try agent.make(number, geometry: Geometry("200x150")) == .displayReady)
        guard case .failed(let early) = try agent.ask(.screenshot(display: number)) else {
            Issue.record("a display without a session was shown")
            return
        }
        #expect(early.kind == .refused)
        #expect(
            try agent.start("xsetroot -solid '#c03020' && echo drawn > drawn; exec sleep 1000", on: number)
                == .applicationStarted)
        while agent.file("7/drawn") != "drawn\n" { usleep(2000) }
        #expect(try agent.ask(.screenshot(display: number)) == .done)
        let path = agent.home + "/data/sessions/7/screenshot.png"
        let picture = try #require(decodedPNG(path))
        #expect(picture.width == 200 && picture.height == 150)
        #expect(Array(picture.pixels.prefix(3)) == [0xC0, 0x30, 0x20])
        #expect(picture.pixels == (0..<200 * 150).flatMap { _ in [0xC0, 0x30, 0x20] as [UInt8] })
        var about = stat()
        #expect(lstat(path, &about) == 0)
        #expect(about.st_uid == Agent.alice && about.st_gid == Agent.alice && about.st_mode & 0o7777 == 0o640)
        guard case .failed(let again) = try agent.ask(.screenshot(display: number)) else {
            Issue.record("a second one was taken at once")
            return
        }
        #expect(again.kind == .tooOften)
        _ = try agent.end(number)
    }
}
