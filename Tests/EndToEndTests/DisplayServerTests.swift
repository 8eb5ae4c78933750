import Foundation
import Testing

extension EndToEnd {
    /// What the display server of these tests says before it ends; an operator finds it in the controller's log.
    private static let lastWords = "this display server is broken"

    /// Puts a program that ends with status 1 in the place of Xvnc on `host` alone, for as long as `body` runs.
    private func withoutDisplayServer(on host: String, _ body: () throws -> Void) throws {
        let program = try Gateway.data.appendingPathComponent("broken-\(host)")
        try Data("#!/bin/sh\necho '\(Self.lastWords)' >&2\nexit 1\n".utf8).write(to: program)
        defer { try? FileManager.default.removeItem(at: program) }
        #expect(chmod(program.path, 0o755) == 0)
        let xvnc = try inside(host, "readlink", "-e", "/usr/bin/Xvnc").trimmingCharacters(in: .newlines)
        _ = try inside(host, "mount", "--bind", program.path, xvnc)
        defer {
            do { _ = try inside(host, "umount", xvnc) } catch { Issue.record(error) }
        }
        try body()
    }

    /// Runs a command among the mounts of a quick start's host.
    private func inside(_ host: String, _ words: String...) throws -> String {
        let answer = try Gateway.run(["nsenter", "--mount", "--target", "\(try Gateway.process(host))"] + words)
        guard answer.status == 0 else { throw Missing(description: answer.output) }
        return answer.output
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
            let claims = "SELECT COUNT(*) FROM mw_display WHERE hostname = 'exec1'"
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
        try Gateway.withSession { first in
            try Gateway.withSession { second in
                let hosts = try Gateway.sql(
                    "SELECT DISTINCT exechost FROM session WHERE sessnum IN (\(first), \(second)) ORDER BY exechost")
                #expect(hosts == ["exec1", "exec2"])
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
        let half = try Gateway.sql(
            """
            SELECT (SELECT COUNT(*) FROM mw_session s LEFT JOIN session USING (sessnum)
                     WHERE s.state <> 'ended' AND s.state <> 'failed' AND session.sessnum IS NULL),
              (SELECT COUNT(*) FROM mw_display WHERE sessnum IS NULL),
              (SELECT COUNT(*) FROM display WHERE status <> 'absent' AND sessnum = 0)
            """)
        #expect(half == ["0\t0\t0"])
        try Gateway.withSession { _ in }
    }
}
