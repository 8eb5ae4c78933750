import Foundation
import SessionModel
import StressFaults
import Testing
import ViewClient

/// The controller and every other part killed at every moment of a session's life.
extension EndToEnd {
    /// Kills the controller at its N-th outgoing message from now on, to the database, the directory, a host or whoever
    /// asked, just before it is sent.
    private struct Killer {
        private let process = Process()
        private let output = Pipe()

        init(_ controller: pid_t, at message: Int) throws {
            let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
                .appendingPathComponent("kill_at_message.py")
            process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
            process.arguments = ["python3", script.path, "\(controller)", "\(message)"]
            process.standardInput = FileHandle.nullDevice
            process.standardOutput = output
            try process.run()
            var told = ""
            while !told.hasSuffix("\n") {
                let bytes = output.fileHandleForReading.availableData
                guard !bytes.isEmpty else { throw Missing(description: "the controller was not attached to") }
                told += String(decoding: bytes, as: UTF8.self)
            }
        }

        /// Lets the controller go on, if it still does; true when it was killed.
        func finish() -> Bool {
            process.terminate()
            let rest = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
            process.waitUntilExit()
            return rest.contains("killed")
        }
    }

    /// What the controller is killed in the middle of.
    private enum Walk: String, CaseIterable {
        /// A start that takes a display that stands ready.
        case ready
        /// A start that makes a new display.
        case cold
        /// A stop of a session that somebody watches.
        case stop
    }

    /// The steps of a short run: a few of each walk by the seed. Where a word is over before, the step is its last.
    private func sample(_ walk: Walk, _ generator: inout SeededGenerator) -> [Int] {
        let most =
            switch walk {
            case .ready: 40
            case .cold: 50
            case .stop: 130
            }
        return (0..<3).map { _ in Int.random(in: 1...most, using: &generator) }.sorted()
    }

    /// One step: the word with the controller killed at its `message`-th message. False when the word was answered before.
    private func step(_ walk: Walk, _ message: Int, _ kept: inout [String], _ log: inout [String]) throws -> Bool {
        var watched: String?
        var viewer: Viewer?
        if walk == .ready {
            try Gateway.freeDuties()
            try Gateway.eventually("a display is ready", within: .seconds(60)) {
                try Gateway.sql("SELECT COUNT(*) FROM mw_display WHERE state = 'ready' AND with_gl = 0") != ["0"]
            }
        }
        if walk == .stop {
            let number = try Gateway.start()
            viewer = try Gateway.viewer(number)
            _ = try viewer?.frame()
            watched = number
        }
        let killer = try Killer(try Gateway.process("maxwelld"), at: message)
        var outcome: String?
        defer { viewer?.close() }
        do {
            switch walk {
            case .ready, .cold:
                if let number = try Gateway.attempt(app: walk == .ready ? "xterm" : "shallow") {
                    kept.append(number)
                    outcome = "started \(number)"
                }
            case .stop:
                let answer = try Gateway.word(["stop", watched ?? ""])
                if answer.status == 0 {
                    outcome = "stopped \(watched ?? "")"
                    let rows = try Gateway.sql("SELECT sessnum FROM session WHERE sessnum = \(watched ?? "0")")
                    #expect(rows.isEmpty, "stop was answered before the rows were gone")
                } else {
                    try Gateway.requireRefusal(answer)
                    kept.append(watched ?? "")
                }
            }
        } catch {
            Issue.record(error, "\(walk) killed at message \(message)")
        }
        let wasKilled = killer.finish()
        log.append("\(walk.rawValue) \(message): \(outcome ?? "refused"), \(wasKilled ? "killed" : "not killed")")
        if wasKilled {
            try Gateway.quickstart("--restart", "maxwelld")
            try Gateway.awaitHosts()
        }
        return outcome == nil
    }

    @Test("the controller killed at every step of a start, of a hand-over and of a stop: everything heals")
    func controllerKilledAnywhere() throws {
        let seed = Gateway.seed
        var generator = SeededGenerator(seed: seed)
        try Gateway.awaitReady()
        let before = try Traces()
        let first = try Gateway.lastSession()
        var kept: [String] = []
        var log: [String] = []
        defer { print((["crash walk, seed \(seed)"] + log).joined(separator: "\n")) }
        try Gateway.withApplication("shallow", "depth: 16") {
            for walk in Walk.allCases {
                if Gateway.isLong {
                    // What else the controller says meanwhile is counted too: a word may be over early once.
                    var message = 0
                    var over = 0
                    while over < 3 {
                        message += 1
                        over = try step(walk, message, &kept, &log) ? 0 : over + 1
                    }
                } else {
                    for message in sample(walk, &generator) { _ = try step(walk, message, &kept, &log) }
                }
            }
            try Gateway.letTimePass()
            try expectWhole(kept, after: first, before)
        }
        log.append("\(kept.count) sessions came to run or were to be stopped again")
    }

    /// Waits until the gateway has found its way back: the sessions of `kept` that still run can be viewed and stopped, and
    /// then nothing is left of any.
    private func expectWhole(_ kept: [String], after first: Int, _ before: Traces) throws {
        try Gateway.eventually("nothing is half begun or half ended", within: .seconds(150)) {
            try Gateway.sql(
                "SELECT sessnum FROM mw_session WHERE sessnum > \(first) AND state IN ('starting', 'ending')"
            ).isEmpty
        }
        let running = try Gateway.sql(
            "SELECT sessnum FROM mw_session WHERE sessnum > \(first) AND state = 'running' ORDER BY sessnum")
        for number in running {
            let owner = try Gateway.sql("SELECT owner FROM mw_session WHERE sessnum = \(number)").joined()
            _ = try Gateway.viewer(number, user: owner).frame { $0.distinctColours > 1 }
            let answer = try Gateway.word(["stop", number])
            #expect(answer.status == 0, "\(answer.output)")
        }
        for number in kept where !running.contains(number) {
            let story = try Gateway.sql("SELECT state, reason FROM mw_session WHERE sessnum = \(number)")
            #expect(story == ["ended\tstopped"], "session \(number), which had started, is \(story)")
        }
        try expectRight(after: first, before)
    }

    /// Waits until every record is right and records and hosts agree.
    func expectRight(after first: Int, _ before: Traces, within patience: Duration = .seconds(60)) throws {
        var wrong: [String] = []
        do {
            try Gateway.eventually("records and hosts agree", within: patience) {
                wrong = try Gateway.wrongAccounts(after: first) + Gateway.leftRows() + Gateway.disagreements()
                return wrong.isEmpty
            }
        } catch is Missing {
            throw Missing(description: "not in time: " + wrong.joined(separator: "; "))
        }
        try before.expectNoMore()
    }

    /// The part of a session that is killed, and the session.
    private func kill(_ part: QuickStart.HostProcess.Part, of number: String) throws {
        let place = try Gateway.sql("SELECT exechost, dispnum FROM session WHERE sessnum = \(number)").joined()
        let words = place.split(separator: "\t")
        try #require(words.count == 2)
        var victims: [QuickStart.HostProcess] = []
        try Gateway.eventually("the \(part) of session \(number) is there") {
            victims = try Gateway.hostParts().filter {
                $0.part == part && $0.host == words[0] && $0.display == Int(words[1])
            }
            return !victims.isEmpty
        }
        // One of an application's takes the others along.
        #expect(victims.map { Glibc.kill($0.id, SIGKILL) }.contains(0))
    }

    @Test(
        "a keeper, a display server, an application that is killed ends its session, and nothing else",
        arguments: [QuickStart.HostProcess.Part.keeper, .server, .application])
    func partKilled(part: QuickStart.HostProcess.Part) throws {
        try Gateway.awaitReady()
        let before = try Traces()
        let first = try Gateway.lastSession()
        try Gateway.withSession(user: "bob") { bystander in
            let number = try Gateway.start()
            let viewer = try Gateway.viewer(number)
            _ = try viewer.frame { $0.distinctColours > 1 }
            try kill(part, of: number)
            try viewer.waitForEnd(within: .seconds(20))
            try Gateway.eventually("its account is written", within: .seconds(60)) {
                try Gateway.sql("SELECT username FROM sessionlog WHERE sessnum = \(number)") == ["alice"]
            }
            #expect(try Gateway.sql("SELECT COUNT(*) FROM viewlog WHERE sessnum = \(number)") == ["1"])
            _ = try Gateway.viewer(bystander, user: "bob").frame { $0.distinctColours > 1 }
        }
        try expectRight(after: first, before)
    }

    @Test("a relay that is killed: its views end at their last proof, once, and new ones come through the next")
    func relayKilled() throws {
        try Gateway.awaitReady()
        let before = try Traces()
        let first = try Gateway.lastSession()
        try Gateway.withSession { number in
            let began = ContinuousClock.now
            let viewers = try [WayIn.webSocketBinary, .connectInClear].map { try Gateway.viewer(number, by: $0) }
            for viewer in viewers { _ = try viewer.frame() }
            try Gateway.eventually("both are open") {
                try Gateway.sql("SELECT COUNT(*) FROM view WHERE sessnum = \(number)") == ["2"]
            }
            try Gateway.crash("maxwell-relay")
            let length = (ContinuousClock.now - began) / .seconds(1)
            for viewer in viewers { try viewer.waitForEnd() }
            try Gateway.eventually("both have ended") {
                try Gateway.sql(
                    "SELECT COUNT(*) FROM viewlog WHERE sessnum = \(number) AND duration <= \(length)") == ["2"]
            }
            #expect(try Gateway.sql("SELECT viewid FROM view WHERE sessnum = \(number)").isEmpty)
            _ = try Gateway.viewer(number).frame { $0.distinctColours > 1 }
        }
        try expectRight(after: first, before)
    }

    @Test("agents killed in the middle of starts: each is answered, and sessions that run go on")
    func agentKilled() throws {
        try Gateway.awaitReady()
        let seed = Gateway.seed
        var generator = SeededGenerator(seed: seed)
        let before = try Traces()
        let first = try Gateway.lastSession()
        var kept: [String] = []
        var log: [String] = []
        defer { print((["agents killed, seed \(seed)"] + log).joined(separator: "\n")) }
        try Gateway.withApplication("shallow", "depth: 16") {
            try Gateway.withSession(user: "bob") { bystander in
                let viewer = try Gateway.viewer(bystander, user: "bob")
                for _ in 0..<(Gateway.isLong ? 40 : 4) {
                    let milliseconds = UInt32.random(in: 0...700, using: &generator)
                    let assassin = Thread {
                        usleep(milliseconds * 1000)
                        let agents = (try? Gateway.hostParts().filter { $0.part == .agent }) ?? []
                        for agent in agents { Glibc.kill(agent.id, SIGKILL) }
                    }
                    assassin.start()
                    let began = ContinuousClock.now
                    let number = try Gateway.attempt(app: "shallow")
                    let took = ContinuousClock.now - began
                    try Gateway.eventually("the agents were killed") { assassin.isFinished }
                    let outcome = number.map { "started \($0)" } ?? "refused"
                    log.append("after \(milliseconds) ms: \(outcome), in \(took)")
                    if let number { kept.append(number) }
                }
                _ = try viewer.frame { $0.distinctColours > 1 }
            }
            try Gateway.awaitHosts()
            try Gateway.letTimePass()
            try expectWhole(kept, after: first, before)
        }
    }

    /// Holds the database still for a while, as one that is away or restarts.
    private func databaseAway(_ body: () throws -> Void) throws {
        let pid = try Gateway.process("mariadb")
        #expect(Glibc.kill(pid, SIGSTOP) == 0)
        defer { Glibc.kill(pid, SIGCONT) }
        try body()
    }

    @Test("a database that is away in the middle of views, starts and stops: what was watched meanwhile is written")
    func databaseAwayInTheMiddle() throws {
        try Gateway.awaitReady()
        let away = Gateway.isLong ? 45.0 : 12.0
        let before = try Traces()
        let first = try Gateway.lastSession()
        let watched = try Gateway.start()
        let stopped = try Gateway.start(user: "bob")
        defer { for number in [watched, stopped] { _ = try? Gateway.maxwell("stop", number) } }
        let leaving = try Gateway.viewer(watched)
        let staying = try Gateway.viewer(watched, by: .connectInTLS)
        _ = try leaving.frame { $0.distinctColours > 1 }
        _ = try staying.frame { $0.distinctColours > 1 }
        let began = ContinuousClock.now
        try databaseAway {
            #expect(try Gateway.attempt() == nil)
            try Gateway.requireRefusal(try Gateway.word(["stop", stopped]))
            // It goes on while nothing can be written, and ends unwritten.
            try staying.paintTerminal(1)
            _ = try staying.frame { $0.count(of: red) > 10_000 }
            leaving.close()
            while ContinuousClock.now - began < .seconds(away) { usleep(100_000) }
        }
        try staying.paintTerminal(2)
        _ = try staying.frame { $0.count(of: green) > 10_000 }
        try Gateway.eventually("the view that ended meanwhile is written", within: .seconds(30)) {
            try Gateway.sql("SELECT COUNT(*) FROM viewlog WHERE sessnum = \(watched)") == ["1"]
        }
        #expect(try Gateway.sql("SELECT COUNT(*) FROM view WHERE sessnum = \(watched)") == ["1"])
        // Nobody was unobserved for it.
        #expect(try Gateway.sql("SELECT state FROM mw_session WHERE sessnum = \(watched)") == ["running"])
        let answer = try Gateway.word(["stop", watched])
        #expect(answer.status == 0, "\(answer.output)")
        #expect(
            try Gateway.sql("SELECT viewtime >= \(away) FROM sessionlog WHERE sessnum = \(watched)") == ["1"],
            "the time without a database was watched too")
        _ = try Gateway.word(["stop", stopped])
        try Gateway.letTimePass()
        try expectRight(after: first, before)
    }

    @Test("a database that is killed and started again under a view, a start and a stop loses nothing")
    func databaseKilled() throws {
        try Gateway.awaitReady()
        let before = try Traces()
        let first = try Gateway.lastSession()
        let watched = try Gateway.start()
        defer {
            _ = try? Gateway.quickstart("--infrastructure")
            _ = try? Gateway.maxwell("stop", watched)
        }
        let viewer = try Gateway.viewer(watched)
        _ = try viewer.frame { $0.distinctColours > 1 }
        try Gateway.eventually("the view is open") {
            try Gateway.sql("SELECT COUNT(*) FROM view WHERE sessnum = \(watched)") == ["1"]
        }
        let pid = try Gateway.process("mariadb")
        let killer = Thread {
            usleep(60_000)
            Glibc.kill(pid, SIGKILL)
        }
        killer.start()
        let begun = try Gateway.attempt(user: "bob")
        try Gateway.eventually("the database was killed") { killer.isFinished && Glibc.kill(pid, 0) != 0 }
        // While it is away.
        try Gateway.requireRefusal(try Gateway.word(["stop", watched]))
        viewer.close()
        try Gateway.quickstart("--infrastructure")
        try Gateway.eventually("the view that ended meanwhile is written", within: .seconds(30)) {
            try Gateway.sql("SELECT COUNT(*) FROM viewlog WHERE sessnum = \(watched)") == ["1"]
        }
        #expect(try Gateway.word(["stop", watched]).status == 0)
        try Gateway.letTimePass()
        try expectWhole(begun.map { [$0] } ?? [], after: first, before)
    }
}
