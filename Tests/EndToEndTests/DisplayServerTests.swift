import Foundation
import Testing

extension EndToEnd {
    /// What the display server of these tests says before it ends; an operator finds it in the controller's log.
    private static let lastWords = "this display server is broken"

    /// Puts a program that ends with status 1 in the place of Xvnc on `host` alone, for as long as `body` runs.
    func withoutDisplayServer(on host: String, _ body: () throws -> Void) throws {
        let program = try Gateway.data.appendingPathComponent("broken-\(host)")
        try Data("#!/bin/sh\necho '\(Self.lastWords)' >&2\nexit 1\n".utf8).write(to: program)
        defer { try? FileManager.default.removeItem(at: program) }
        #expect(chmod(program.path, 0o755) == 0)
        let xvnc = try Gateway.inside(host, "readlink", "-e", "/usr/bin/Xvnc").trimmingCharacters(in: .newlines)
        _ = try Gateway.inside(host, "mount", "--bind", program.path, xvnc)
        defer {
            do { _ = try Gateway.inside(host, "umount", xvnc) } catch { Issue.record(error) }
        }
        try body()
    }

    /// What the controller has logged so far.
    private func controllerLog() throws -> String {
        try String(contentsOfFile: try Gateway.setting("MAXWELL_STATE") + "/log/maxwelld.log", encoding: .utf8)
    }

    @Test("a host whose display server dies at its start is passed over, until it is mended")
    func displayServerDies() throws {
        let before = try Traces()
        try withoutDisplayServer(on: "exec1") {
            let known = try controllerLog().count
            let claims = "SELECT COUNT(*) FROM mw_display WHERE hostname = 'exec1' AND sessnum IS NOT NULL"
            let claimed = try Gateway.sql(claims)
            // exec1 has fewer and fewer sessions than exec2: it is asked first.
            try Gateway.withSession { first in
                try Gateway.withSession { second in
                    try Gateway.withSession(user: "bob") { third in
                        let hosts = try Gateway.sql(
                            "SELECT exechost FROM session WHERE sessnum IN (\(first), \(second), \(third))")
                        #expect(hosts == ["exec2", "exec2", "exec2"])
                        #expect(try Gateway.sql(claims) == claimed)
                    }
                }
            }
            let told = try controllerLog().dropFirst(known)
            #expect(told.contains(Self.lastWords))
        }
        try before.expectNoMore()
        try Gateway.awaitReady()
        // Sessions go where fewer are: of three, beside whatever else runs, each host gets one.
        try Gateway.withSession { first in
            try Gateway.withSession { second in
                try Gateway.withSession(user: "bob") { third in
                    let hosts = try Gateway.sql(
                        """
                        SELECT DISTINCT exechost FROM session WHERE sessnum IN (\(first), \(second), \(third))
                        ORDER BY exechost
                        """)
                    #expect(hosts == ["exec1", "exec2"])
                }
            }
        }
    }

    @Test("when every host's display server dies at its start, that is told, and nothing half made is left")
    func everyDisplayServerDies() throws {
        try withoutDisplayServer(on: "exec1") {
            try withoutDisplayServer(on: "exec2") {
                try refusedStart(69, saying: "No display could be started on exec")
            }
        }
        try Gateway.awaitReady()
        try Gateway.eventually("nothing half made is left", within: .seconds(60)) {
            try Gateway.sql(
                """
                SELECT (SELECT COUNT(*) FROM mw_session s LEFT JOIN session USING (sessnum)
                         WHERE s.state <> 'ended' AND s.state <> 'failed' AND session.sessnum IS NULL),
                  (SELECT COUNT(*) FROM mw_display WHERE sessnum IS NULL AND state NOT IN ('ready', 'broken')),
                  (SELECT COUNT(*) FROM display p LEFT JOIN mw_display d USING (hostname, dispnum)
                    WHERE p.status <> IF(d.state IS NULL OR d.state IN ('starting', 'ending'), 'absent', d.state))
                """) == ["0\t0\t0"]
        }
        try Gateway.withSession { _ in }
    }
}
