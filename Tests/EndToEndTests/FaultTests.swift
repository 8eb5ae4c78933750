import Foundation
import SessionModel
import Testing

extension EndToEnd {
    /// A start that must be refused with `status` and one sentence that has `words`, and leave nothing.
    func refusedStart(_ status: Int32, saying words: String, app: String = "xterm") throws {
        let before = try Traces()
        let answer = try Gateway.maxwell("start", "user=alice", "ip=127.0.0.1", "app=\(app)", "version=1")
        #expect(answer.status == status, "\(answer.output)")
        #expect(answer.output.contains(words), "\(answer.output)")
        #expect(answer.output.split(separator: "\n").count == 1, "\(answer.output)")
        try before.expectNoMore()
    }

    /// Stops a server of the quick start for as long as `body` runs: it is there and says nothing.
    private func silenced(_ server: String, _ body: () throws -> Void) throws {
        let pid = try Gateway.process(server)
        #expect(kill(pid, SIGSTOP) == 0)
        defer { kill(pid, SIGCONT) }
        try body()
    }

    @Test("a home that is not there is told at the start, and create_userhome makes it, once")
    func missingHome() throws {
        let homes = URL(fileURLWithPath: try Gateway.setting("MAXWELL_ALICE_HOME")).deletingLastPathComponent()
        let home = homes.appendingPathComponent("bob").path
        try FileManager.default.moveItem(atPath: home, toPath: home + ".away")
        defer {
            try? FileManager.default.removeItem(atPath: home)
            try? FileManager.default.moveItem(atPath: home + ".away", toPath: home)
        }
        let before = try Traces()
        let refused = try Gateway.maxwell("start", "user=bob", "ip=127.0.0.1", "app=xterm", "version=1")
        #expect(refused.status == 69 && refused.output.contains("home folder is not available"), "\(refused.output)")
        try before.expectNoMore()
        for _ in 0..<2 {
            let made = try Gateway.maxwell("create_userhome", "bob")
            #expect(made.status == 0, "\(made.output)")
            let about = try FileManager.default.attributesOfItem(atPath: home)
            #expect(about[.ownerAccountID] as? Int == 10002 && about[.posixPermissions] as? Int == 0o700)
            let skeleton = try FileManager.default.contentsOfDirectory(atPath: "/etc/skel").sorted()
            #expect(try FileManager.default.contentsOfDirectory(atPath: home).sorted() == skeleton)
        }
        try Gateway.withSession(user: "bob") { _ in }
    }

    @Test("a full disk on every host is told, and leaves nothing")
    func diskFull() throws {
        // What was set aside is taken back.
        defer { do { try Gateway.awaitReady() } catch { Issue.record(error) } }
        try Gateway.quickstart("--host", "exec1", "fill")
        defer { _ = try? Gateway.quickstart("--host", "exec1", "empty") }
        try Gateway.quickstart("--host", "exec2", "fill")
        defer { _ = try? Gateway.quickstart("--host", "exec2", "empty") }
        // Of this depth nothing stands ready; what does may be handed over even now.
        try Gateway.withApplication("shallow", "depth: 16") { try refusedStart(69, saying: "is full", app: "shallow") }
    }

    @Test("a host whose disk holds no new display is passed over")
    func oneDiskFull() throws {
        try Gateway.awaitReady()
        try Gateway.quickstart("--host", "exec1", "fill")
        defer {
            do {
                try Gateway.quickstart("--host", "exec1", "empty")
                try Gateway.awaitReady()
            } catch { Issue.record(error) }
        }
        // Of this depth nothing stands ready.
        try Gateway.withApplication("shallow", "depth: 16") {
            for _ in 0..<2 {
                try Gateway.withSession(app: "shallow") { number in
                    let host = try Gateway.sql("SELECT exechost FROM session WHERE sessnum = \(number)")
                    #expect(host == ["exec2"])
                }
            }
        }
    }

    @Test("a full house is told")
    func fullHouse() throws {
        try Gateway.withSession { number in
            // Its application has started all it starts.
            _ = try Gateway.viewer(number).frame { $0.distinctColours > 1 }
            let limits = try Gateway.sql("SELECT hostname, max_uses FROM host")
            _ = try Gateway.sql("UPDATE host SET max_uses = IF(uses = 0, -1, uses)")
            defer {
                for limit in limits {
                    let words = limit.split(separator: "\t")
                    _ = try? Gateway.sql("UPDATE host SET max_uses = \(words[1]) WHERE hostname = '\(words[0])'")
                }
            }
            _ = try Gateway.sql("UPDATE host SET status = 'down' WHERE max_uses < 0")
            defer { _ = try? Gateway.sql("UPDATE host SET status = 'up'") }
            try refusedStart(75, saying: "Every display is in use")
        }
    }

    @Test("hosts that are all down are told")
    func hostsDown() throws {
        for host in ["exec1", "exec2"] { #expect(try Gateway.maxwell("host", "down", host).status == 0) }
        defer { for host in ["exec1", "exec2"] { _ = try? Gateway.maxwell("host", "up", host) } }
        try refusedStart(75, saying: "out of service")
    }

    @Test("a directory that does not answer is told")
    func directoryDown() throws {
        try silenced("slapd") { try refusedStart(75, saying: "directory does not answer") }
    }

    @Test("a database that does not answer is told, and the gateway goes on when it does again")
    func databaseDown() throws {
        try silenced("mariadb") {
            let answer = try Gateway.maxwell("start", "user=alice", "ip=127.0.0.1", "app=xterm", "version=1")
            #expect(answer.status == 75, "\(answer.output)")
            #expect(answer.output.contains("database does not answer"), "\(answer.output)")
        }
        try Gateway.withSession { _ in }
    }

    @Test("who is not in an application's group is told so")
    func notInGroup() throws {
        try Gateway.withApplication("chosen", "groups: [nobody-is-in-it]") {
            try refusedStart(77, saying: "not in a group", app: "chosen")
        }
    }
}
