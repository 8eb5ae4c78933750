import Foundation
import Testing

/// A start finds a way where there is one, and tells where there is none.
extension EndToEnd {
    private func startAnswer(user: String = "alice") throws -> Answer {
        try Gateway.maxwell("start", "user=\(user)", "ip=127.0.0.1", "app=xterm", "version=1")
    }

    private func host(of number: String) throws -> String {
        try Gateway.sql("SELECT exechost FROM session WHERE sessnum = \(number)").joined()
    }

    /// `body` with a host in a state that `mend` ends; afterwards all is as before, in the tables and on the hosts.
    private func withTrouble(_ make: () throws -> Void, mend: () throws -> Void, _ body: () throws -> Void) throws {
        try Gateway.awaitReady()
        let before = try Traces()
        do {
            try make()
            defer {
                do { try mend() } catch { Issue.record(error) }
            }
            try body()
        }
        try Gateway.awaitReady()
        try before.expectNoMore()
    }

    /// Processes of a host's display servers, stopped or let go on.
    private func signalServers(of host: String, _ signal: Int32) throws {
        for server in try Gateway.hostParts() where server.host == host && server.part == .server {
            kill(server.id, signal)
        }
    }

    @Test("a ready display that fails its check is marked broken with the reason, and the next is tried")
    func failedCheck() throws {
        try withTrouble {
            try signalServers(of: "exec1", SIGSTOP)
            try signalServers(of: "exec2", SIGSTOP)
        } mend: {
            try signalServers(of: "exec1", SIGCONT)
            try signalServers(of: "exec2", SIGCONT)
        } _: {
            let number = try Gateway.start()
            defer { _ = try? Gateway.maxwell("stop", number) }
            let told = try Gateway.maxwell("why", number).output
            #expect(told.contains("displayBroken"), "\(told)")
            #expect(told.contains("ok"), "\(told)")
            let broken = try Gateway.sql(
                "SELECT COUNT(*) FROM mw_display WHERE state = 'broken' AND reason LIKE 'displayBroken%'")
            #expect(Int(broken.joined()) ?? 0 > 0)
            let shown = try Gateway.sql(
                """
                SELECT COUNT(*) FROM display p JOIN mw_display d USING (hostname, dispnum)
                  WHERE d.state = 'broken' AND p.status <> 'broken'
                """)
            #expect(shown == ["0"])
        }
    }

    @Test("a host with a full disk is passed over, set aside, and taken back by itself when it has room again")
    func fullDisk() throws {
        try withTrouble {
            try Gateway.quickstart("--host", "exec1", "fill")
        } mend: {
            try Gateway.quickstart("--host", "exec1", "empty")
        } _: {
            // What stands ready there may still do; nothing new can be made. Every start finds a way.
            try Gateway.eventually("exec1 is set aside") {
                try Gateway.withSession { _ in }
                return try Gateway.hosts().contains {
                    $0.host == "exec1" && $0.status == "check" && $0.note.contains("diskFull")
                }
            }
            for _ in 0..<3 {
                try Gateway.withSession { number in
                    let own = try host(of: number)
                    #expect(own == "exec2")
                }
            }
        }
    }

    @Test("a host whose cable is cut is passed over, and taken up again")
    func cutCable() throws {
        try withTrouble {
            try Gateway.quickstart("--host", "exec1", "cut")
        } mend: {
            try Gateway.quickstart("--host", "exec1", "mend")
        } _: {
            for _ in 0..<4 {
                try Gateway.withSession { number in
                    let own = try host(of: number)
                    #expect(own == "exec2")
                }
            }
        }
    }

    @Test("a host whose agent is dead is passed over, and taken up again")
    func deadAgent() throws {
        let agents = { try Gateway.run(["pgrep", "-f", "maxwell-host.* serve$"]).output.split(separator: "\n") }
        try withTrouble {
        } mend: {
        } _: {
            for _ in 0..<3 {
                for agent in try agents() { if let pid = pid_t(String(agent)) { kill(pid, SIGKILL) } }
                try Gateway.withSession { _ in }
            }
        }
    }

    @Test(
        "a display server that fails everywhere: one sentence, one event with every host's failure, the command run once"
    )
    func exhausted() throws {
        let news = try Gateway.data.appendingPathComponent("news").path
        let command = try Gateway.data.appendingPathComponent("notice").path
        try Data("#!/bin/sh\n{ printf '== '; cat; } >> '\(news)'\n".utf8).write(to: URL(fileURLWithPath: command))
        #expect(chmod(command, 0o755) == 0)
        try Data().write(to: URL(fileURLWithPath: news))
        #expect(chmod(news, 0o666) == 0)
        defer { for file in [news, command] { try? FileManager.default.removeItem(atPath: file) } }
        try Gateway.withSettings({ $0 + "notify: {command: [\(command)]}\n" }) {
            try Gateway.awaitReady()
            let before = try Traces()
            try withoutDisplayServer(on: "exec1") {
                try withoutDisplayServer(on: "exec2") {
                    let answer = try startAnswer()
                    #expect(answer.status == 69, "\(answer.output)")
                    #expect(answer.output.split(separator: "\n").count == 1, "\(answer.output)")
                    _ = try startAnswer()
                    try Gateway.eventually("the administrator is told") {
                        let text = try String(contentsOfFile: news, encoding: .utf8)
                        return text.contains("== start failed\n") && text.contains("exec1: displayFailed")
                            && text.contains("exec2: displayFailed")
                    }
                    let text = try String(contentsOfFile: news, encoding: .utf8)
                    #expect(text.components(separatedBy: "== start failed\n").count == 2, "\(text)")
                    let failed = try Gateway.sql("SELECT MAX(sessnum) FROM mw_session WHERE state = 'failed'").joined()
                    let told = try Gateway.maxwell("why", failed).output
                    #expect(
                        told.contains("exec1") && told.contains("exec2") && told.contains("displayFailed"), "\(told)")
                    let list = try Gateway.maxwell("sessions").output
                    #expect(
                        list.split(separator: "\n").contains { $0.contains(" \(failed) ") && $0.contains("failed") })
                }
            }
            try Gateway.awaitReady()
            try before.expectNoMore()
        }
        try Gateway.awaitReady()
    }

    @Test("a host that starts anew has lost its sessions: they end, however young, and it serves again")
    func reboot() throws {
        try Gateway.awaitReady()
        let numbers = try (0..<2).map { _ in try Gateway.start() }
        defer { for number in numbers { _ = try? Gateway.maxwell("stop", number) } }
        let lost = try #require(try numbers.first { try host(of: $0) == "exec1" })
        try Gateway.quickstart("--host", "exec1", "reboot")
        try Gateway.eventually("the session has ended") {
            try Gateway.sql("SELECT sessnum FROM session WHERE sessnum = \(lost)").isEmpty
        }
        #expect(try Gateway.maxwell("why", lost).output.contains("gone from the host"))
        for number in numbers where number != lost { _ = try Gateway.viewer(number).frame() }
        try Gateway.awaitReady()
    }

    @Test("check probes a host and prints one plain line a finding; with yes it sets the host's status")
    func check() throws {
        try Gateway.awaitReady()
        let good = try Gateway.maxwell("check", "exec1", "yes")
        #expect(good.status == 0, "\(good.output)")
        for word in ["ssh", "agent", "disk", "memory", "cgroups", "first pixel", "data link", "'up'"] {
            #expect(good.output.contains(word), "\(word) in \(good.output)")
        }
        try withoutDisplayServer(on: "exec1") {
            let bad = try Gateway.maxwell("check", "exec1", "yes")
            #expect(bad.status != 0)
            #expect(bad.output.contains("failed: ") && bad.output.contains("'check'"), "\(bad.output)")
            #expect(try Gateway.sql("SELECT status FROM host WHERE hostname = 'exec1'") == ["check"])
        }
        #expect(try Gateway.maxwell("check", "exec1", "yes").status == 0)
        #expect(try Gateway.sql("SELECT status FROM host WHERE hostname = 'exec1'") == ["up"])
        try Gateway.awaitReady()
    }
}
