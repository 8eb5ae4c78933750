import Foundation
import TestServers
import Testing
import ViewClient

/// A hub's own database beside the gateway's, on the same server.
private enum Hub {
    /// Makes it as the hub had it, with one more application that our hosts can run.
    static func make() throws {
        _ = try Gateway.sql(
            """
            GRANT ALL ON hub.* TO maxwell@localhost;
            CREATE DATABASE hub CHARACTER SET utf8mb3;
            USE hub;
            \(oldHub)
            INSERT INTO jos_tool_version VALUES
              (7, 'plain', 'plain_r3', 'Plain terminal', 3, 1, '640x480', 24, 3600, 'xterm', 'narwhal', '');
            INSERT INTO jos_tool_version_hostreq VALUES (7, 'sessions'), (7, 'special');
            """)
    }

    static func remove() throws {
        _ = try Gateway.sql("DROP DATABASE IF EXISTS hub; REVOKE ALL ON hub.* FROM maxwell@localhost")
    }

    /// Every statement that would make it again.
    static func dump() throws -> String {
        let client = try Gateway.setting("MAXWELL_SQL").split(separator: " ").map(String.init)
        let answer = try Gateway.run(["mariadb-dump"] + client.dropFirst().dropLast() + ["--skip-comments", "hub"])
        guard answer.status == 0 else { throw Missing(description: answer.output) }
        return answer.output
    }

    /// The tables that are MyISAM's.
    static func oldTables() throws -> [String] {
        try Gateway.sql(
            """
            SELECT table_name FROM information_schema.tables WHERE table_schema = 'hub' AND engine = 'MyISAM'
            ORDER BY table_name
            """)
    }

    /// What the hub wrote, column by column as it knew them; a display that stands there twice is read once.
    static func oldRows() throws -> [String] {
        try [
            "SELECT hostname, provisions, status, uses, portbase FROM hub.host WHERE hostname = 'old1'",
            "SELECT name, value, description FROM hub.hosttype ORDER BY name",
            """
            SELECT dispnum, MAX(geometry), MAX(depth), MAX(sessnum), MAX(vncpass), MAX(status) FROM hub.display
            WHERE hostname = 'old1' GROUP BY dispnum ORDER BY dispnum
            """,
            """
            SELECT sessnum, username, remoteip, exechost, dispnum, start, accesstime, timeout, appname, sessname, sesstoken
            FROM hub.session WHERE sessnum <= 11
            """,
            """
            SELECT sessnum, username, remoteip, remotehost, exechost, dispnum, start, appname, walltime, viewtime, cputime,
              status FROM hub.sessionlog WHERE sessnum <= 11
            """,
            "SELECT * FROM hub.jos_tool_version ORDER BY id",
            "SELECT * FROM hub.jos_tool_version_hostreq ORDER BY tool_version_id, hostreq",
        ].flatMap(Gateway.sql)
    }

    /// Adds the gateway's hosts to the hub, as an administrator does, with the types its applications ask for.
    static func addHosts() throws {
        let data = try Gateway.data.path
        let hosts = try Gateway.sql("SELECT hostname, address, port, run_folder, isolation FROM mw_host")
        for host in hosts.map({ $0.split(separator: "\t").map(String.init) }) {
            let answer = try Gateway.run([
                "maxwell", "host", "add", host[0], "--address", host[1], "--port", host[2], "--run", host[3],
                "--isolation", host[4], "--provisions", "sessions,special",
                "--authorized-keys", "\(data)/hosts/\(host[0])/authorized_keys", "--", "-F", "none",
                "-i", "\(data)/admin/id_ed25519", "-o", "UserKnownHostsFile=\(data)/admin/known_hosts",
                "-o", "StrictHostKeyChecking=yes", "-o", "BatchMode=yes",
            ])
            #expect(answer.status == 0, "\(answer.output)")
        }
    }
}

extension EndToEnd {
    @Test("a database that an old hub made carries a session from its start to its end, and stays the hub's")
    func oldHubDatabase() throws {
        // A controller that looks into another database takes the displays of this one for strays.
        try endSessions()
        defer {
            do { try Hub.remove() } catch { Issue.record(error) }
        }
        try Hub.make()
        let tables = try Hub.oldTables()
        let rows = try Hub.oldRows()
        try #require(tables.count == 14 && rows.count > 10)
        let toHub = { (text: String) in text.replacingOccurrences(of: "  name: maxwell\n", with: "  name: hub\n") }
        try migrate(toHub)
        try Gateway.withSettings(toHub) {
            let tooEarly = try Gateway.maxwell("start", "user=alice", "ip=192.0.2.7", "app=plain_r3", "version=3")
            #expect(tooEarly.status == 69 && tooEarly.output.contains("provides what plain_r3 needs"), "\(tooEarly)")
            try Hub.addHosts()
            try wholeLife()
        }
        #expect(try Hub.oldTables() == tables)
        #expect(try Hub.oldRows() == rows)
        #expect(try Gateway.sql("SELECT COUNT(*) FROM maxwell.session") == ["0"])
    }

    private func endSessions() throws {
        for number in try Gateway.sql("SELECT sessnum FROM session") {
            #expect(try Gateway.maxwell("stop", number).status == 0)
        }
        try Gateway.eventually("no display is in use") {
            try Gateway.sql("SELECT COUNT(*) FROM mw_display WHERE sessnum IS NOT NULL") == ["0"]
        }
    }

    /// Brings the hub's database up to date, twice, by settings that no daemon has yet.
    private func migrate(_ change: (String) -> String) throws {
        let file = try Gateway.data.appendingPathComponent("etc/hub.yaml")
        let text = try String(contentsOfFile: try Gateway.setting("MAXWELL_CONFIG"), encoding: .utf8)
        try change(text).write(to: file, atomically: false, encoding: .utf8)
        defer { try? FileManager.default.removeItem(at: file) }
        let first = try Gateway.maxwell("migrate", "--config", file.path)
        #expect(first.status == 0 && first.output.hasPrefix("Applied 001-portal-tables"), "\(first.output)")
        let made = try Hub.dump()
        #expect(made.contains("`mw_session`"))
        let second = try Gateway.maxwell("migrate", "--config", file.path)
        #expect(second.status == 0 && second.output == "The database is up to date.\n", "\(second.output)")
        #expect(try Hub.dump() == made)
    }

    /// A session of the hub's own application: started, seen, shared, stopped.
    private func wholeLife() throws {
        let number = try Gateway.start(app: "plain_r3")
        defer { _ = try? Gateway.maxwell("stop", number) }
        #expect(Int(number).map { $0 > 11 } == true)
        let session = try Gateway.sql(
            """
            SELECT username, appname, exechost IN ('exec1', 'exec2'), dispnum > 0, timeout, viewuser, geometry, readonly
            FROM hub.session JOIN hub.viewperm USING (sessnum) WHERE sessnum = \(number)
            """)
        #expect(session == ["alice\tplain_r3\t1\t1\t3600\talice\t640x480\tNo"])

        let alice = try Gateway.viewer(number)
        _ = try alice.frame { $0.width == 640 && $0.distinctColours > 1 }
        #expect(try Gateway.maxwell("view", "user=bob", "ip=192.0.2.8", "sess=\(number)").status == 77)
        let token = try share(number, readOnly: "Yes", in: "hub")
        let bob = try Gateway.viewer(number, user: "bob")
        let hex = try #require(try Gateway.view(number, user: "bob")["encpassword"] as? String)
        let byToken = try Gateway.viewer(
            token: token, by: .webSocketBinary, password: try Gateway.password(of: hex))
        try alice.paintTerminal(1)
        for viewer in [alice, bob, byToken] {
            #expect(try viewer.frame { $0.count(of: red) > 10_000 }.count(of: red) > 10_000)
        }
        _ = try Gateway.sql("DELETE FROM hub.viewperm WHERE sessnum = \(number) AND viewuser = 'bob'")
        for viewer in [bob, byToken] { try viewer.waitForEnd(within: .seconds(30)) }

        #expect(try Gateway.maxwell("stop", number).status == 0)
        try alice.waitForEnd()
        try Gateway.eventually("no row of the session is left") {
            try Gateway.sql(
                """
                SELECT (SELECT COUNT(*) FROM hub.session WHERE sessnum = \(number)),
                  (SELECT COUNT(*) FROM hub.viewperm WHERE sessnum = \(number)),
                  (SELECT COUNT(*) FROM hub.view WHERE sessnum = \(number)),
                  (SELECT COUNT(*) FROM hub.mw_display WHERE sessnum IS NOT NULL),
                  (SELECT SUM(uses) FROM hub.host WHERE hostname <> 'old1'),
                  (SELECT COUNT(*) FROM hub.display WHERE hostname <> 'old1' AND sessnum <> 0)
                """) == ["0\t0\t0\t0\t0\t0"]
        }
        let log = try Gateway.sql(
            """
            SELECT username, appname, walltime > 0, viewtime > 0, exechost IN ('exec1', 'exec2') FROM hub.sessionlog
            WHERE sessnum = \(number)
            """)
        #expect(log == ["alice\tplain_r3\t1\t1\t1"])
        let views = try Gateway.sql(
            "SELECT username, COUNT(*) FROM hub.viewlog WHERE sessnum = \(number) GROUP BY username ORDER BY username")
        #expect(views == ["alice\t1", "bob\t2"])
    }
}
