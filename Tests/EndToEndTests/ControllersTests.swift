import Foundation
import Testing
import ViewClient

/// Two controllers on one database: what is done once is done once, and either carries on alone.
extension EndToEnd {
    /// A second controller with sockets and folders of its own, on the same database and the same hosts.
    private final class SecondController {
        let folder: URL
        private let process = Process()

        init() throws {
            let own = URL(fileURLWithPath: try Gateway.setting("MAXWELL_CONFIG"))
            folder = URL(fileURLWithPath: "/tmp/mw2-\(UUID().uuidString.prefix(8))")
            var text = try String(contentsOf: own, encoding: .utf8)
            for key in ["socket", "run", "state"] {
                guard let line = text.split(separator: "\n").first(where: { $0.hasPrefix("  \(key): ") }) else {
                    throw Missing(description: "the settings have no \(key)")
                }
                let path = key == "socket" ? "/run/control.sock" : "/\(key)"
                text.replace(line, with: "  \(key): \(folder.path)\(path)", maxReplacements: 1)
            }
            for name in ["", "/run", "/run/links", "/state"] {
                try FileManager.default.createDirectory(
                    atPath: folder.path + name, withIntermediateDirectories: true)
            }
            try text.write(to: folder.appendingPathComponent("maxwell.yaml"), atomically: true, encoding: .utf8)
            _ = try Gateway.run(["chown", "-R", "maxwell:maxwell", folder.path])
            let log = folder.path + ".log"
            _ = FileManager.default.createFile(atPath: log, contents: nil)
            process.executableURL = URL(fileURLWithPath: "/usr/bin/setpriv")
            process.arguments = [
                "--reuid", "maxwell", "--regid", "maxwell", "--init-groups",
                try Gateway.data.appendingPathComponent("bin/maxwelld").path, "--config", folder.path + "/maxwell.yaml",
            ]
            process.standardInput = FileHandle.nullDevice
            process.standardOutput = FileHandle.nullDevice
            process.standardError = FileHandle(forWritingAtPath: log)
            try process.run()
            do {
                try Gateway.eventually("the second controller hears its hosts") {
                    let answer = try maxwell("hosts")
                    return answer.status == 0 && answer.output.components(separatedBy: " connected ").count == 3
                }
            } catch {
                end()
                throw error
            }
        }

        func maxwell(_ words: String...) throws -> Answer {
            try Gateway.run(["env", "MAXWELL_SOCKET=\(folder.path)/run/control.sock", "maxwell"] + words)
        }

        func end() {
            if process.isRunning {
                kill(process.processIdentifier, SIGTERM)
                process.waitUntilExit()
            }
            // The picture masters are processes of their own; these have no other controller. One may just be beginning.
            try? Gateway.eventually("its picture links have ended") {
                try Gateway.run(["pkill", "-f", "-x", ".*ssh .*\(folder.path)/.*"]).status == 1
            }
            try? FileManager.default.removeItem(at: folder)
            try? FileManager.default.removeItem(atPath: folder.path + ".log")
        }
    }

    private func holder(of duty: String) throws -> String {
        try Gateway.sql("SELECT holder FROM mw_duty WHERE name = '\(duty)'").joined()
    }

    @Test("of two controllers one reaps, refills and heals; the other takes over when it is killed")
    func twoControllers() throws {
        try Gateway.awaitReady()
        let before = try Traces()
        do {
            let duties = try Gateway.sql("SELECT name, holder FROM mw_duty ORDER BY name")
            let second = try SecondController()
            defer { second.end() }
            // Both serve: what one starts the other shows and stops.
            let number = try Gateway.start()
            let shown = try second.maxwell("view", "user=alice", "ip=127.0.0.1", "sess=\(number)")
            #expect(shown.status == 0, "\(shown.output)")
            #expect(try second.maxwell("stop", number).status == 0)
            #expect(try Gateway.sql("SELECT COUNT(*) FROM sessionlog WHERE sessnum = \(number)") == ["1"])
            #expect(try Gateway.sql("SELECT name, holder FROM mw_duty ORDER BY name") == duties)
            let first = try holder(of: "reaping")
            try Gateway.withApplication("brief", "timeout: 5s") {
                let reaped = try Gateway.start(app: "brief")
                try Gateway.eventually("it is reaped", within: .seconds(40)) {
                    try Gateway.sql("SELECT state FROM mw_session WHERE sessnum = \(reaped)") == ["ended"]
                }
                #expect(try Gateway.sql("SELECT COUNT(*) FROM sessionlog WHERE sessnum = \(reaped)") == ["1"])
            }
            kill(try Gateway.process("maxwelld"), SIGKILL)
            // Whatever fails from here on: the tests that follow need it.
            defer { _ = try? Gateway.quickstart("--restart", "maxwelld") }
            try Gateway.eventually("the second has taken every duty over", within: .seconds(60)) {
                let holders = Set(try Gateway.sql("SELECT holder FROM mw_duty"))
                return holders.count == 1 && !holders.contains(first)
            }
            // Alone it starts, shows and stops, and a display that dies is replaced.
            let answer = try second.maxwell("start", "user=bob", "ip=127.0.0.1", "app=xterm", "version=1")
            #expect(answer.status == 0, "\(answer.output)")
            let own = answer.output.split(whereSeparator: \.isWhitespace).last.map(String.init) ?? ""
            #expect(try second.maxwell("stop", own).status == 0)
            try Gateway.quickstart("--restart", "maxwelld")
            try Gateway.awaitReady()
            #expect(try holder(of: "reaping") != first)
        }
        try Gateway.eventually("the first has the duties again", within: .seconds(60)) {
            try !Gateway.sql("SELECT holder FROM mw_duty").contains("")
                && Gateway.sql("SELECT 1 FROM mw_relay").count == 1
        }
        try Gateway.awaitReady()
        try before.expectNoMore()
    }
}
