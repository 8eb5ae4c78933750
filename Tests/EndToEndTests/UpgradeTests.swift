import Foundation
import Synchronization
import Testing
import ViewClient

/// Nobody is dropped: what is replaced while people watch.
extension EndToEnd {
    @Test(
        "a viewer watches through a controller's restart, new certificates and a relay's upgrade; all who come are served"
    )
    func nobodyIsDropped() throws {
        try Gateway.withSession { number in
            let watching = try Watching(number)
            let visitors = try Visitors(ticket: try Gateway.ticket(number, "--for", "1h").ticket)
            try watching.goesOn("with visitors")
            try Gateway.quickstart("--restart", "maxwelld")
            try watching.goesOn("with another controller")
            try Gateway.quickstart("--renew-certificate")
            try watching.goesOn("with another certificate")
            let old = try Gateway.process("maxwell-relay")
            try Gateway.quickstart("--upgrade-relay")
            #expect(try Gateway.process("maxwell-relay") != old)
            try watching.goesOn("beside another relay", frames: 100)
            let later = try Gateway.viewer(number)
            #expect(try later.frame { $0.distinctColours > 1 }.distinctColours > 1)
            later.close()
            let told = try visitors.finish()
            #expect(told.failed.isEmpty && told.served > 200, "\(told)")
            try watching.goesOn("when the others have left")
            #expect(
                try Gateway.sql(
                    "SELECT COUNT(*) FROM mw_view WHERE sessnum = \(number) AND opened IS NOT NULL AND duration IS NULL"
                )
                    == ["1"])
            let frames = watching.finish()
            #expect(frames.error == nil, "\(frames)")
            // The old relay goes with its last viewer, and its view's time is whole.
            try Gateway.eventually("the old relay has left") { kill(old, 0) != 0 }
            try Gateway.eventually("the view is in the log") {
                try Gateway.sql(
                    "SELECT cause FROM mw_view WHERE viewid = (SELECT MIN(viewid) FROM mw_view WHERE sessnum = \(number) AND opened IS NOT NULL)"
                )
                    == ["viewer left"]
            }
        }
    }

    @Test("a relay that is killed after an upgrade takes only its own views with it")
    func heirIsKilled() throws {
        try Gateway.withSession { number in
            let watching = try Watching(number)
            try watching.goesOn("at first")
            try Gateway.quickstart("--upgrade-relay")
            let lost = try Gateway.viewer(number)
            _ = try lost.frame { $0.distinctColours > 1 }
            try Gateway.crash("maxwell-relay")
            try lost.waitForEnd(within: .seconds(5))
            let next = try Gateway.viewer(number)
            #expect(try next.frame { $0.distinctColours > 1 }.distinctColours > 1)
            try watching.goesOn("beside the third relay")
            try Gateway.eventually("the killed relay's view has ended, and no other") {
                try Gateway.sql(
                    "SELECT COUNT(*), SUM(duration IS NULL) FROM mw_view WHERE sessnum = \(number) AND opened IS NOT NULL"
                )
                    == ["3\t2"]
            }
            next.close()
            #expect(watching.finish().error == nil)
        }
    }
}

/// A viewer that asks its display for one frame after the other, on a thread of its own.
private final class Watching: Sendable {
    struct Told {
        var frames = 0
        var error: String?
        var isDone = false
    }

    private let told = Mutex(Told())

    init(_ number: String) throws {
        Thread { [self] in
            do {
                let viewer = try Gateway.viewer(number, by: .connectInTLS)
                while !told.withLock(\.isDone) {
                    _ = try viewer.frame()
                    told.withLock { $0.frames += 1 }
                    Thread.sleep(forTimeInterval: 0.02)
                }
                viewer.close()
            } catch {
                told.withLock { $0.error = "\(error)" }
            }
        }.start()
        try goesOn("at all")
    }

    /// Waits for so many more frames.
    func goesOn(_ when: String, frames: Int = 3) throws {
        let before = told.withLock(\.frames)
        try Gateway.eventually("the viewer watches \(when)") {
            let now = told.withLock { $0 }
            if let error = now.error { throw Missing(description: "watching \(when): \(error)") }
            return now.frames >= before + frames
        }
    }

    func finish() -> Told {
        told.withLock { told in
            told.isDone = true
            return told
        }
    }
}

/// `visitors.py`, running.
private final class Visitors {
    struct Told: Decodable {
        var served: Int
        var failed: [String]
        var seconds: Double
    }

    private let process = Process()
    private let input = Pipe()
    private let output = Pipe()

    init(ticket: String) throws {
        let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("visitors.py")
        process.executableURL = URL(fileURLWithPath: "/usr/bin/python3")
        process.arguments = [script.path, "\(try Gateway.port)", try Gateway.setting("MAXWELL_CA")]
        process.standardInput = input
        process.standardOutput = output
        try process.run()
        try input.fileHandleForWriting.write(contentsOf: Data((ticket + "\n").utf8))
    }

    func finish() throws -> Told {
        try input.fileHandleForWriting.close()
        let told = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return try JSONDecoder().decode(Told.self, from: told)
    }
}
