import Glibc
import HostProtocol
import SessionModel
import Testing

@testable import Isolation

@Suite("the last words of an application", .serialized)
struct LogTailTests {
    @Test("one that prints and exits with 3 is quoted when it exits and when its display ends")
    func quoted() throws {
        try withDisplay(3131) { agent, number in
            #expect(
                try agent.start("seq 10000; echo cannot find the licence >&2; exit 3", on: number)
                    == .applicationStarted)
            let exit = try agent.exit()
            let tail = try #require(exit.logTail)
            #expect(exit.status == 3 && tail.hasSuffix("9999\n10000\ncannot find the licence\n"))
            #expect(tail.utf8.count == LogTail.length)
            guard case .displayEnded(let end) = try agent.end(number) else {
                Issue.record("the display did not end")
                return
            }
            #expect(end.logTail == tail && end.status == 3)
            #expect(agent.traces(of: number) == [])
        }
    }

    @Test("one that ends before anyone can look is told all the same", arguments: 3133..<3145)
    func atOnce(display: Int) throws {
        try withDisplay(display) { agent, number in
            #expect(try agent.start("exit 3", on: number) == .applicationStarted)
            #expect(try agent.exit().status == 3)
            expectEnded(try agent.end(number))
        }
    }

    @Test(
        "one that did well, or put something else in the log's place, is not",
        arguments: [
            "echo fine", "echo words; rm app.log; exit 3", "rm app.log; mkfifo app.log; exit 3",
            "rm app.log; ln -s /etc/passwd app.log; exit 3", "rm app.log; mkdir app.log; exit 3", "exit 3",
        ])
    func nothing(command: String) throws {
        try withDisplay(3132) { agent, number in
            #expect(try agent.start(command, on: number) == .applicationStarted)
            #expect(try agent.exit().logTail == nil)
            expectEnded(try agent.end(number))
        }
    }

    @Test("a display that dies quotes its application")
    func died() throws {
        try withDisplay(3133) { agent, number in
            #expect(try agent.start("trap '' HUP; echo here; sleep 1000", on: number) == .applicationStarted)
            while agent.file("7/app.log") != "here\n" { usleep(2000) }
            for pid in agent.serverProcesses(of: number) { kill(pid, SIGKILL) }
            while true {
                guard case .displayDied(let end) = try agent.event() else { continue }
                #expect(end.logTail == "here\n")
                break
            }
            #expect(agent.traces(of: number) == [])
        }
    }

    @Test("bytes become text that does a terminal no harm, at most as long as they may be")
    func text() {
        #expect(LogTail.text([]) == nil)
        #expect(LogTail.text([0x1B, 0x00]) == nil)
        #expect(LogTail.text(Array("a\tb\n\u{1B}[2Jc\r\u{7F}d\u{9B}e".utf8)) == "a\tb\n[2Jcde")
        // The second half of an umlaut, then one in whole.
        #expect(LogTail.text([0xBC] + Array("ü".utf8)) == "ü")
        #expect(LogTail.text([UInt8](repeating: 0xFF, count: LogTail.length))?.utf8.count == LogTail.length / 3 * 3)
    }
}
