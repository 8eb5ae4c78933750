import Foundation
import TestServers
import Testing

/// What one session's home, or one session's picture, may do to the sessions beside it.
extension EndToEnd {
    /// A `maxwell` that runs meanwhile, with what it says.
    private func begin(_ words: String...) throws -> (process: Process, output: Pipe) {
        let run = Process()
        let output = Pipe()
        run.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        run.arguments = ["maxwell"] + words
        run.standardInput = FileHandle.nullDevice
        run.standardOutput = output
        run.standardError = output
        try run.run()
        return (run, output)
    }

    @Test("a home whose server has stopped holds up its own user's start, and nobody else's")
    func attackHangingHome() throws {
        try Gateway.awaitReady()
        let before = try Traces()
        try Slapd.withPerson("carol", uid: 10097) {
            let home = try Attack.home(of: "carol").path
            #expect(try Gateway.maxwell("create_userhome", "carol").status == 0)
            defer { try? FileManager.default.removeItem(atPath: home) }
            let hosts = ["exec1", "exec2"]
            var servers: [WatchedProcess] = []
            var stopped: [pid_t] = []
            defer {
                for server in stopped { kill(server, SIGCONT) }
                for host in hosts { _ = try? Gateway.inside(host, "umount", "--lazy", "/home/carol") }
                for server in servers { server.stop() }
            }
            for host in hosts {
                let place = try Gateway.process(host)
                let server = try WatchedProcess(
                    [
                        "/usr/bin/nsenter", "--mount", "--target", "\(place)", "/usr/bin/bindfs", "-f", "-o",
                        "allow_other,nonempty", home, "/home/carol",
                    ], log: try Gateway.data.path + "/bindfs-\(host).log")
                servers.append(server)
                try server.waitUntil {
                    (try? String(contentsOfFile: "/proc/\(place)/mountinfo", encoding: .utf8))?
                        .contains(" /home/carol rw,nosuid,nodev,relatime - fuse") == true
                }
            }
            let listed = try Gateway.run(["pgrep", "--full", "^/usr/bin/bindfs -f -o allow_other,nonempty \(home) "])
                .output
            stopped = listed.split(separator: "\n").compactMap { pid_t($0) }
            try #require(stopped.count == 2, "\(listed)")
            for server in stopped { kill(server, SIGSTOP) }
            let start = try begin("start", "user=carol", "ip=127.0.0.1", "app=xterm", "version=1")
            // Others have sessions on both hosts meanwhile, and homes that answer.
            try Victim.with { victims in
                for victim in victims { try victim.expectUnharmed() }
                try Gateway.eventually("carol is told", within: .seconds(90)) { !start.process.isRunning }
            }
            let said = String(decoding: start.output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
            #expect(start.process.terminationStatus != 0)
            #expect(said.split(separator: "\n").count == 1 && said.contains("home"), "\(said)")
            for server in stopped { kill(server, SIGCONT) }
            try Gateway.withSession(user: "carol") { number in
                _ = try Gateway.viewer(number, user: "carol").frame { $0.distinctColours > 1 }
            }
        }
        try before.expectNoMore(within: .seconds(60))
    }

    @Test("pictures without end for viewers who hardly read keep nobody else from seeing theirs")
    func attackFlood() throws {
        try Gateway.awaitReady()
        let before = try Traces()
        let command = "sh -c 'while :; do x11perf -time 1 -repeat 9 -putimage500; done'"
        try Gateway.withApplication("flood", "", command: command) {
            try Victim.with { victims in
                let relay = try Gateway.process("maxwell-relay")
                func memory() throws -> Int {
                    let lines = try String(contentsOfFile: "/proc/\(relay)/smaps_rollup", encoding: .utf8)
                    let line = lines.split(separator: "\n").first { $0.hasPrefix("Pss:") }
                    return try #require(line.flatMap { Int($0.split(separator: " ")[1]) })
                }
                let quiet = try memory()
                let run = try begin(
                    "stress", "--sessions", "4", "--rate", "4/s", "--apps", "flood", "--viewers", "4", "--behaviours",
                    "slow",
                    "--hold", "20s")
                try Gateway.eventually("they are watched", within: .seconds(60)) {
                    try Gateway.sql(
                        """
                        SELECT COUNT(*) FROM mw_view WHERE username LIKE 'stress-%' AND opened IS NOT NULL
                          AND duration IS NULL
                        """) == ["16"]
                }
                for victim in victims { try victim.expectUnharmed() }
                // What Xvnc has for who does not read stays in Xvnc: a whole picture is 3 MiB, and there are thousands.
                #expect(try memory() - quiet < 16 << 10)
                let said = String(decoding: run.output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
                try Gateway.eventually("the flood is over") { !run.process.isRunning }
                #expect(run.process.terminationStatus == 0, "\(said)")
            }
        }
        try before.expectNoMore(within: .seconds(60))
    }
}
