import Foundation
import Testing
import ViewClient

/// Displays that stand ready before anyone asks.
extension EndToEnd {
    private struct Story: Decodable {
        struct Step: Decodable {
            var host: String
            var display: Int?
            var what: String
            var outcome: String
        }
        var state: String
        var reason: String
        var steps: [Step]
        var log_tail: String?
    }

    private func why(_ number: String) throws -> Story {
        let answer = try Gateway.maxwell("why", number, "--json")
        guard answer.status == 0 else { throw Missing(description: answer.output) }
        return try JSONDecoder().decode(Story.self, from: Data(answer.output.utf8))
    }

    /// What tells a display from the next one that has its number.
    private static let name = "CONCAT(hostname, ':', dispnum, ' of ', created)"

    /// The displays that are ready.
    private func ready(_ condition: String = "TRUE") throws -> Set<String> {
        Set(
            try Gateway.sql(
                "SELECT \(Self.name) FROM mw_display WHERE state = 'ready' AND \(condition)"))
    }

    private func display(of number: String) throws -> String {
        try Gateway.sql("SELECT \(Self.name) FROM mw_display WHERE sessnum = \(number)").joined()
    }

    @Test("a start takes a display that was ready, once, and another takes its place")
    func readyDisplay() throws {
        try Gateway.awaitReady()
        let before = try ready("with_gl = 0")
        try Gateway.withSession { number in
            #expect(try before.contains(display(of: number)))
            let story = try why(number)
            #expect(story.steps.map(\.what) == ["hand-over of a ready display"])
            #expect(story.steps.map(\.outcome) == ["ok"])
            let shown = try Gateway.sql(
                """
                SELECT p.status, p.sessnum FROM display p JOIN session s
                  ON s.exechost = p.hostname AND s.dispnum = p.dispnum WHERE s.sessnum = \(number)
                """)
            #expect(shown == ["used\t\(number)"])
        }
        try Gateway.awaitReady()
    }

    @Test("an application gets its geometry on a ready display, and one of another depth a new one")
    func geometryAndDepth() throws {
        try Gateway.awaitReady()
        try Gateway.withApplication("wide", "geometry: 1280x720") {
            try Gateway.withSession(app: "wide") { number in
                let frame = try Gateway.viewer(number).frame { $0.distinctColours > 1 }
                #expect(frame.width == 1280 && frame.height == 720)
                #expect(try why(number).steps.map(\.what) == ["hand-over of a ready display"])
            }
        }
        try Gateway.withApplication("shallow", "depth: 16") {
            try Gateway.withSession(app: "shallow") { number in
                #expect(try why(number).steps.map(\.what) == ["new display", "hand-over of a new display"])
                _ = try Gateway.viewer(number).frame()
            }
        }
    }

    @Test("an application that asks for OpenGL gets a display with GLX that was ready, another one without")
    func kinds() throws {
        try Gateway.awaitReady()
        let (with, without) = (try ready("with_gl = 1"), try ready("with_gl = 0"))
        try Gateway.withApplication("deep", "gl: true") {
            try Gateway.withSession(app: "deep") { number in
                let own = try display(of: number)
                #expect(with.contains(own))
            }
        }
        try Gateway.withSession { number in
            let own = try display(of: number)
            #expect(without.contains(own))
        }
    }

    @Test("clocks start at the hand-over")
    func clocks() throws {
        try Gateway.awaitReady()
        // What is ready has waited for longer than the session will last.
        try Gateway.eventually("the displays have waited") {
            try Gateway.sql(
                "SELECT COUNT(*) FROM mw_display WHERE state = 'ready' AND since > UTC_TIMESTAMP() - INTERVAL 5 SECOND"
            ) == ["0"]
        }
        let number = try Gateway.start()
        #expect(try Gateway.maxwell("stop", number).status == 0)
        let log = try Gateway.sql("SELECT walltime < 5, cputime < 5 FROM sessionlog WHERE sessnum = \(number)")
        #expect(log == ["1\t1"])
    }

    @Test("ready displays whose display server changed are replaced and never handed out")
    func changedServer() throws {
        try Gateway.awaitReady()
        let before = try ready("hostname = 'exec1'")
        #expect(before.count >= 4)
        let xvnc = try Gateway.inside("exec1", "readlink", "-e", "/usr/bin/Xvnc").trimmingCharacters(in: .newlines)
        let copy = try Gateway.data.appendingPathComponent("another-xvnc").path
        _ = try Gateway.inside("exec1", "cp", "--", xvnc, copy)
        _ = try Gateway.inside("exec1", "mount", "--bind", copy, xvnc)
        defer {
            do {
                _ = try Gateway.inside("exec1", "umount", xvnc)
                _ = try Gateway.inside("exec1", "rm", copy)
                try Gateway.awaitReady()
            } catch { Issue.record(error) }
        }
        // Whatever the controller knows by now: no start gets one.
        for _ in 0..<3 {
            try Gateway.withSession { number in
                let own = try display(of: number)
                #expect(!before.contains(own))
            }
        }
        try Gateway.eventually("all were replaced") {
            try ready("hostname = 'exec1'").isDisjoint(with: before) && ready("hostname = 'exec1'").count >= 4
        }
    }

    @Test("ready displays are replaced when their host's agent was")
    func changedAgent() throws {
        try Gateway.awaitReady()
        let before = try ready("hostname = 'exec1'")
        let agent = "/usr/local/lib/maxwell/maxwell-host"
        // As `maxwell host add` brings a new one: another file by the same name. The next channel finds it.
        _ = try Gateway.inside("exec1", "cp", "--", agent, agent + ".new")
        _ = try Gateway.inside("exec1", "mv", "--", agent + ".new", agent)
        try endAgents(on: "exec1")
        try Gateway.eventually("all were replaced") { try ready("hostname = 'exec1'").isDisjoint(with: before) }
        try Gateway.awaitReady()
    }

    @Test("ready displays that are too old are replaced")
    func tooOld() throws {
        try Gateway.awaitReady()
        let before = try ready()
        _ = try Gateway.sql("UPDATE mw_display SET since = since - INTERVAL 13 HOUR WHERE state = 'ready'")
        try Gateway.eventually("all were replaced") { try ready().isDisjoint(with: before) }
        try Gateway.awaitReady()
    }

    @Test("a host that drains has no ready displays, gets no session, and keeps those it has")
    func drain() throws {
        try Gateway.awaitReady()
        let number = try Gateway.start()
        defer { _ = try? Gateway.maxwell("stop", number) }
        let host = try Gateway.sql("SELECT exechost FROM session WHERE sessnum = \(number)").joined()
        #expect(try Gateway.maxwell("host", "drain", host).status == 0)
        defer {
            _ = try? Gateway.maxwell("host", "up", host)
            do { try Gateway.awaitReady() } catch { Issue.record(error) }
        }
        try Gateway.eventually("nothing is ready there") { try ready("hostname = '\(host)'").isEmpty }
        for _ in 0..<3 {
            try Gateway.withSession { number in
                let own = try display(of: number)
                #expect(!own.hasPrefix(host))
            }
        }
        _ = try Gateway.viewer(number).frame { $0.distinctColours > 1 }
    }

    @Test("a ready display that dies is marked broken and replaced; nobody gets it")
    func readyDies() throws {
        try Gateway.awaitReady()
        let before = try ready("hostname = 'exec1'")
        let servers = try Gateway.hostParts().filter { $0.host == "exec1" && $0.part == .server }
        let running = Set(
            try Gateway.sql("SELECT dispnum FROM mw_display WHERE hostname = 'exec1' AND state = 'used'"))
        try #require(running.isEmpty, "no session runs on exec1")
        for server in servers { #expect(kill(server.id, SIGKILL) == 0) }
        try Gateway.eventually("all are marked") {
            Set(
                try Gateway.sql(
                    "SELECT \(Self.name) FROM mw_display WHERE state = 'broken' AND reason <> ''")
            ).isSuperset(of: before)
        }
        let shown = try Gateway.sql("SELECT COUNT(*) FROM display WHERE status = 'broken' AND hostname = 'exec1'")
        #expect(Int(shown.joined()) ?? 0 >= before.count)
        try Gateway.awaitReady()
    }

    @Test("a hundred starts at once all succeed, and no display is given twice")
    func manyAtOnce() throws {
        let count = Gateway.isLong ? 100 : 24
        let change = { (text: String) in text + "pool: {floor: \(count / 2), floor_gl: 0}\n" }
        try Gateway.withSettings(change) {
            try Gateway.eventually("the pool is full", within: .seconds(120)) {
                try ready("with_gl = 0").count >= count
            }
            let script = """
                for i in $(seq \(count)); do maxwell start user=alice ip=127.0.0.1 app=xterm version=1 & done; wait
                """
            let answer = try Gateway.run(["/bin/bash", "-c", script])
            let numbers = answer.output.split(separator: "\n").compactMap { line in
                line.hasPrefix("Session is ") ? String(line.dropFirst("Session is ".count)) : nil
            }
            defer {
                let stops = numbers.map { "maxwell stop \($0) &" }.joined(separator: "\n") + "\nwait"
                _ = try? Gateway.run(["/bin/bash", "-c", stops])
            }
            #expect(numbers.count == count, "\(answer.output)")
            let list = numbers.joined(separator: ",")
            let displays = try Gateway.sql(
                "SELECT CONCAT(exechost, ':', dispnum) FROM session WHERE sessnum IN (\(list))")
            #expect(Set(displays).count == count)
        }
        try Gateway.awaitReady()
    }

    @Test("limits: so many sessions of a user and of an application; the refusal names the limit")
    func limits() throws {
        let change = { (text: String) in text + "sessions: {most_per_user: 2}\n" }
        try Gateway.withSettings(change) {
            try Gateway.awaitHosts()
            let mine = try Gateway.sql("SELECT COUNT(*) FROM session WHERE username = 'bob'")
            try #require(mine == ["0"])
            try Gateway.withSession(user: "bob") { _ in
                try Gateway.withSession(user: "bob") { _ in
                    let refused = try Gateway.maxwell("start", "user=bob", "ip=127.0.0.1", "app=xterm", "version=1")
                    #expect(refused.status == 75, "\(refused.output)")
                    #expect(refused.output.contains("bob has 2 sessions"), "\(refused.output)")
                }
            }
            try Gateway.withApplication("rare", "most_sessions: 1") {
                try Gateway.withSession(app: "rare") { _ in
                    let refused = try Gateway.maxwell("start", "user=bob", "ip=127.0.0.1", "app=rare", "version=1")
                    #expect(refused.status == 75, "\(refused.output)")
                    #expect(refused.output.contains("1 session"), "\(refused.output)")
                }
            }
        }
        try Gateway.awaitReady()
    }

    @Test("why tells of a session whose application failed what it printed last")
    func applicationFails() throws {
        try Gateway.withApplication("fails", "", command: "echo 'no licence for you' >&2; exit 3") {
            let number = try Gateway.start(app: "fails")
            try Gateway.eventually("it has ended") { try why(number).state == "ended" }
            try Gateway.eventually("its log is kept") { try why(number).log_tail?.contains("no licence") == true }
            let told = try Gateway.maxwell("why", number)
            #expect(told.output.contains("exit status 3") || told.output.contains("status 3"), "\(told.output)")
            #expect(told.output.contains("no licence for you"), "\(told.output)")
        }
    }
}
