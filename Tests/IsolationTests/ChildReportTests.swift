import Glibc
import HostProtocol
import Testing

@testable import Isolation

@Suite("a child's report")
struct ChildReportTests {
    /// A report over a pipe whose writing end is the test's, and what was made of it.
    private final class Scene {
        let loop = Loop()
        /// What was told, call by call.
        private(set) var told: [String] = []
        /// What stands there for the time that was over.
        static let late = "late"
        /// Nobody but the loop keeps it.
        private(set) weak var report: ChildReport?
        /// As far as it had come when it was told.
        private(set) var come = ""
        private let input: Int32
        private let output: Int32
        private var isFinished = false

        /// The report has so many seconds; the loop stops when it is told.
        init(within seconds: Double) throws {
            var ends: [Int32] = [-1, -1]
            guard pipe(&ends) == 0 else { throw failure("pipe") }
            for fd in ends { _ = fcntl(fd, F_SETFD, FD_CLOEXEC) }
            (input, output) = (ends[0], ends[1])
            makeNonblocking(input)
            let report = ChildReport(input, loop: loop, within: seconds) { [unowned self] whole in
                self.told.append(whole.map { String(decoding: $0, as: UTF8.self) } ?? Self.late)
                self.come = String(decoding: self.report?.bytes ?? [], as: UTF8.self)
                self.loop.stop()
            }
            self.report = report
        }

        deinit { if !isFinished { close(output) } }

        func say(_ words: String) { #expect(writeAll(Array(words.utf8), to: output)) }

        /// Ends the report, as the reader can see when this returns: a child that another test starts has the pipe too,
        /// until it executes its program.
        func finish() {
            isFinished = true
            close(output)
            #expect(waits(input, for: POLLHUP))
        }

        /// Whether the reader has closed its end: an error of the other (poll(2)).
        var isClosed: Bool { waits(output, for: POLLERR) }

        private func waits(_ fd: Int32, for event: Int32) -> Bool {
            var polled = pollfd(fd: fd, events: 0, revents: 0)
            return poll(&polled, 1, 5000) == 1 && Int32(polled.revents) & event != 0
        }
    }

    @Test("it is told in whole when it ends, however many parts it came in, and is read no more")
    func whole() throws {
        let scene = try Scene(within: 60)
        scene.say("P 1")
        scene.loop.after(0.01) {
            scene.say("2\n")
            scene.finish()
        }
        scene.loop.run()
        #expect(scene.told == ["P 12\n"])
        #expect(scene.report == nil)
    }

    @Test("a part of it and then the timeout: it is told as late, with the part at hand, and the pipe is closed")
    func late() throws {
        let scene = try Scene(within: 0.02)
        scene.say("P 1")
        scene.loop.run()
        #expect(scene.told == [Scene.late] && scene.come == "P 1")
        #expect(scene.isClosed)
        #expect(scene.report == nil)
    }

    @Test("nothing is told after an end that came before the report, neither at its time nor by its words")
    func ended() throws {
        let scene = try Scene(within: 0.02)
        scene.say("P 12\n")
        scene.report?.end()
        // Neither a timer nor a descriptor of the loop's has it any more.
        #expect(scene.report == nil)
        #expect(scene.isClosed)
        scene.loop.after(0.05) { scene.loop.stop() }
        scene.loop.run()
        #expect(scene.told == [])
    }

    @Test("an end that comes when it is over changes nothing")
    func endedLate() throws {
        let scene = try Scene(within: 60)
        let report = try #require(scene.report)
        scene.finish()
        scene.loop.run()
        // The descriptor's number may be another one's by now.
        let other = open("/dev/null", O_RDONLY | O_CLOEXEC)
        defer { close(other) }
        report.end()
        #expect(fcntl(other, F_GETFD) >= 0)
        #expect(scene.told == [""])
    }

    @Test("its end and its time in one turn of the loop: it was in time, and is told once", arguments: ["", "P 12\n"])
    func together(words: String) throws {
        let scene = try Scene(within: 1)
        let deadline = now() + 1
        scene.say(words)
        // The turn in which the words are read lasts until the time is over.
        scene.loop.after(0) {
            scene.finish()
            while now() <= deadline { usleep(1000) }
        }
        scene.loop.run()
        #expect(scene.told == [words])
        #expect(scene.report == nil)
    }

    @Test(
        "a step that failed is told, though its parent told of the process only afterwards",
        arguments: [
            ("P 12\n", nil), ("M\nF\nP 12\n", nil),
            ("H open data: Not a directory\nP 12\n", .init(.homeUnavailable, "open data: Not a directory")),
            ("P 12\nH open data: Not a directory\n", .init(.homeUnavailable, "open data: Not a directory")),
            ("H write x: Disk quota exceeded\nP 12\n", .init(.homeFull, "write x: Disk quota exceeded")),
            ("E exec /bin/sh: No such file\nP 12\n", .init(.applicationFailed, "exec /bin/sh: No such file")),
            ("", .init(.applicationFailed, "the launch was killed")),
            ("P \n", .init(.applicationFailed, "the launch was killed")),
        ] as [(String, HostFailure?)])
    func outcome(report: String, failure: HostFailure?) {
        switch DisplayEntry.outcome(of: report) {
        case .success(let process): #expect(process == 12 && failure == nil)
        case .failure(let told): #expect(told == failure)
        }
    }
}
