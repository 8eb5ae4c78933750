import Foundation
import Glibc
import Testing

@testable import StressFaults

/// A process that sleeps, a minute at most, and is ended with this.
private final class Sleeper {
    let id: pid_t
    let began: UInt64
    private let process: Process

    init() throws {
        let sleep = Process()
        sleep.executableURL = URL(fileURLWithPath: "/bin/sleep")
        sleep.arguments = ["60"]
        try sleep.run()
        guard let beginning = ProcessTable.beginning(of: sleep.processIdentifier) else { throw POSIXError(.ESRCH) }
        process = sleep
        id = sleep.processIdentifier
        began = beginning
    }

    deinit { if process.isRunning { process.terminate() } }

    var isAlive: Bool { ProcessTable.beginning(of: id) == began }
    /// As one of a host.
    var victim: QuickStart.HostProcess { .init(host: "exec1", id: id, began: began, name: "sleep") }
}

@Suite("killing processes")
struct ProcessTableTests {
    @Test("one that is killed has ended, and is not killed again")
    func killed() throws {
        let sleeper = try Sleeper()
        #expect(ProcessTable.kill(sleeper.id, that: sleeper.began) == .killed)
        #expect(!sleeper.isAlive)
        #expect(ProcessTable.kill(sleeper.id, that: sleeper.began) == .hadEnded)
    }

    @Test("another process of the same number is left alone")
    func another() throws {
        let sleeper = try Sleeper()
        #expect(ProcessTable.kill(sleeper.id, that: sleeper.began + 1) == .hadEnded)
        #expect(sleeper.isAlive)
    }

    @Test("one that does not end is told to live on")
    func livesOn() throws {
        let sleeper = try Sleeper()
        // Of this signal it does not end.
        #expect(ProcessTable.kill(sleeper.id, that: sleeper.began, by: SIGCONT, within: 0.1) == .livesOn)
        #expect(sleeper.isAlive)
    }

    @Test("a victim that had ended by itself is passed over, and another one is chosen")
    func choosesAgain() throws {
        let (gone, here) = (try Sleeper(), try Sleeper())
        #expect(ProcessTable.kill(gone.id, that: gone.began) == .killed)
        var asked = 0
        let killed = try QuickStart.killOne { () throws(QuickStartError) -> QuickStart.HostProcess? in
            asked += 1
            return asked < 3 ? gone.victim : here.victim
        }
        #expect(killed == here.victim)
        #expect(asked == 3)
        #expect(!here.isAlive)
    }

    @Test("where nobody can be chosen nobody is killed; one that has always ended is no success")
    func nobody() throws {
        let nobody = try QuickStart.killOne { () throws(QuickStartError) -> QuickStart.HostProcess? in nil }
        #expect(nobody == nil)
        let gone = try Sleeper()
        #expect(ProcessTable.kill(gone.id, that: gone.began) == .killed)
        #expect(throws: QuickStartError.self) {
            try QuickStart.killOne { () throws(QuickStartError) -> QuickStart.HostProcess? in gone.victim }
        }
    }
}
