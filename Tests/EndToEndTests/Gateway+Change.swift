import Foundation
import Testing

/// Changing the gateway for as long as something runs.
extension Gateway {
    /// Other settings in force for as long as `body` runs; the controller is started anew for them, and again after.
    static func withSettings(_ change: (String) -> String, _ body: () throws -> Void) throws {
        let file = URL(fileURLWithPath: try setting("MAXWELL_CONFIG"))
        let text = try String(contentsOf: file, encoding: .utf8)
        let changed = change(text)
        guard changed != text else { throw Missing(description: "the settings have no such line") }
        defer {
            do {
                try text.write(to: file, atomically: false, encoding: .utf8)
                try restartController()
            } catch {
                Issue.record(error)
            }
        }
        try changed.write(to: file, atomically: false, encoding: .utf8)
        try quickstart("--restart", "maxwelld")
        try body()
    }

    /// Starts the controller anew and waits until it hears every host again: the tests that follow need them.
    private static func restartController() throws {
        try quickstart("--restart", "maxwelld")
        try awaitHosts()
    }

    /// An application described for as long as `body` runs.
    static func withApplication(
        _ name: String, _ text: String, command: String = "xterm", _ body: () throws -> Void
    ) throws {
        let settings = URL(fileURLWithPath: try setting("MAXWELL_CONFIG"))
        let file = settings.deletingLastPathComponent().appendingPathComponent("apps.d/\(name).yaml")
        let lines = "name: \(name)\ntitle: Test\ncommand: \"\(command)\"\n\(text)\n"
        try Data(lines.utf8).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        guard chmod(file.path, 0o644) == 0 else { throw Missing(description: "chmod \(file.path)") }
        try body()
    }

    /// Runs a command among the mounts of a quick start's host.
    static func inside(_ host: String, _ words: String...) throws -> String {
        let answer = try run(["nsenter", "--mount", "--target", "\(try process(host))"] + words)
        guard answer.status == 0 else { throw Missing(description: answer.output) }
        return answer.output
    }

    /// Whether what takes long runs in full (`deploy/test --long`).
    static var isLong: Bool { ProcessInfo.processInfo.environment["MAXWELL_TEST_LONG"] != nil }

    /// Waits until the controller hears every host that it knows how to reach.
    static func awaitHosts() throws {
        let known = try sql("SELECT hostname FROM mw_host ORDER BY hostname")
        try eventually("\(known) are connected") { try connectedHosts() == known }
    }

    /// The hosts that the controller hears now, by name.
    static func connectedHosts() throws -> [String] { try hosts().filter(\.connected).map(\.host).sorted() }

    /// A row of `maxwell hosts`.
    struct HostLine: Decodable {
        var host: String
        var status: String
        var connected: Bool
        var ready: Int
        var ready_gl: Int
        var note: String
    }

    static func hosts() throws -> [HostLine] {
        let answer = try maxwell("hosts", "--json")
        guard answer.status == 0 else { throw Missing(description: answer.output) }
        return try JSONDecoder().decode([HostLine].self, from: Data(answer.output.utf8))
    }

    /// Waits until every host that was added is up and has so many displays of each kind ready.
    static func awaitReady(_ count: Int = 2) throws {
        let known = try sql("SELECT hostname FROM mw_host ORDER BY hostname")
        try eventually("\(known) are up, with \(count) ready displays", within: .seconds(60)) {
            let fit = try hosts().filter {
                $0.connected && $0.status == "up" && $0.ready >= count && $0.ready_gl >= count
            }
            // What sessions had before is on its way out.
            let leaving = try sql(
                "SELECT d.dispnum FROM mw_display d LEFT JOIN session s ON s.sessnum = d.sessnum WHERE d.sessnum IS NOT NULL AND s.sessnum IS NULL"
            )
            return leaving.isEmpty && fit.map(\.host).sorted() == known
        }
    }

    /// How many mounts a quick start's host has.
    static func hostMounts(of host: String) throws -> Int {
        let table = try String(contentsOfFile: "/proc/\(try process(host))/mountinfo", encoding: .utf8)
        return table.split(separator: "\n").count
    }
}
