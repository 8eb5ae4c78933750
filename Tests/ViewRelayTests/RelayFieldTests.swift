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
            "stop_reports", "counts_on_request", "display_ends", "slow_viewer", "controller_restart", "opened_when_up",
            "controller_hangs_up", "stop_waits_for_answers", "idle_ends_are_exact", "slow_viewer_is_reported",
            "flooding_display", "hostile_display",
        ])
    func scenario(_ name: String) async throws { try await RelayField.play(name, seconds: 60) }
}

/// What takes the relay its time, beside the rest.
@Suite("the relay among real parts, for a while")
struct RelayPatienceTests {
    @Test(
        "what the relay does holds", arguments: ["whole_lists", "told_until_answered", "silence"])
    func scenario(_ name: String) async throws { try await RelayField.play(name, seconds: 130) }
}

/// One scenario of a Python file beside this one; MAXWELL_TEST_RELAY names another relay than the built one.
enum RelayField {
    static func play(
        _ name: String, of file: String = "relay_field.py", with more: [String] = [], seconds: Int
    ) async throws {
        let folder = URL(filePath: #filePath).deletingLastPathComponent()
        let programs = Bundle(for: Here.self).bundleURL.deletingLastPathComponent()
        let built = [programs, Bundle.main.bundleURL].map { $0.appending(path: "maxwell-relay") }
        let other = ProcessInfo.processInfo.environment["MAXWELL_TEST_RELAY"].map { URL(filePath: $0) }
        let relay = try #require(other ?? built.first { FileManager.default.isExecutableFile(atPath: $0.path) })
        let log = FileManager.default.temporaryDirectory.appending(path: "relay-\(name)-\(UUID().uuidString).log")
        _ = FileManager.default.createFile(atPath: log.path, contents: nil)
        defer { try? FileManager.default.removeItem(at: log) }
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/timeout")
        process.arguments =
            [
                "-s", "INT", "-k", "10", "\(seconds)", "/usr/bin/python3", folder.appending(path: file).path,
                relay.path, name,
            ] + more
        process.standardError = try FileHandle(forWritingTo: log)
        let (ends, end) = AsyncStream<Void>.makeStream()
        process.terminationHandler = { _ in end.finish() }
        try process.run()
        for await _ in ends {}
        let said = try String(contentsOf: log, encoding: .utf8)
        #expect(process.terminationStatus == 0, "\(said)")
    }

    private final class Here {}
}
