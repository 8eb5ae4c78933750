import Foundation
import Testing

/// The built relay between clients written elsewhere (Python's ssl, OpenSSL) and a real Xvnc.
@Suite("the relay among real parts", .serialized)
struct RelayFieldTests {
    @Test(
        "what the relay does holds",
        arguments: [
            "wss_binary", "wss_base64", "connect_inside_tls", "connect_with_early_bytes", "connect_in_clear",
            "relay_authenticates", "wrong_token", "wrong_password", "bad_openings", "watch_only",
            "keys_reach_only_who_may_act", "size_before_encodings", "unknown_message", "web_requests", "revoked",
            "stop_reports", "counts_on_request", "display_ends", "slow_viewer", "controller_restart",
        ])
    func scenario(_ name: String) throws {
        let folder = URL(filePath: #filePath).deletingLastPathComponent()
        let programs = Bundle(for: Here.self).bundleURL.deletingLastPathComponent()
        let built = [programs, Bundle.main.bundleURL].map { $0.appending(path: "maxwell-relay") }
        let relay = try #require(built.first { FileManager.default.isExecutableFile(atPath: $0.path) })
        let log = FileManager.default.temporaryDirectory.appending(path: "relay-\(name)-\(getpid()).log")
        _ = FileManager.default.createFile(atPath: log.path, contents: nil)
        defer { try? FileManager.default.removeItem(at: log) }
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/timeout")
        process.arguments = [
            "-s", "INT", "-k", "10", "60", "/usr/bin/python3", folder.appending(path: "relay_field.py").path,
            relay.path, name,
        ]
        process.standardError = try FileHandle(forWritingTo: log)
        try process.run()
        process.waitUntilExit()
        let said = try String(contentsOf: log, encoding: .utf8)
        #expect(process.terminationStatus == 0, "\(said)")
    }

    private final class Here {}
}
