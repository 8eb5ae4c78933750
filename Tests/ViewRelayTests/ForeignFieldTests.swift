import Foundation
import Testing

/// The built relay and clients that nobody wrote for it, directly and through an HTTP CONNECT proxy (tinyproxy).
@Suite("the relay and clients from elsewhere", .serialized)
struct ForeignFieldTests {
    @Test("Python's websockets is served", arguments: ["websockets_library", "websockets_library_through_proxy"])
    func websockets(_ name: String) async throws { try await Self.play(name) }

    @Test(
        "Python's ssl and OpenSSL's s_client are served",
        arguments: ["python_ssl", "python_ssl_through_proxy", "s_client", "s_client_through_proxy"])
    func tls(_ name: String) async throws { try await Self.play(name) }

    @Test("noVNC in Chromium shows a display and changes its size", arguments: ["novnc", "novnc_through_proxy"])
    func browser(_ name: String) async throws { try await Self.play(name) }

    @Test(
        "who asks for a size learns it in its own way",
        arguments: ["java_like", "java_like_through_proxy", "old_novnc_like", "new_viewer_like"])
    func sizes(_ name: String) async throws { try await Self.play(name) }

    @Test("frames are held to RFC 6455", arguments: ["bad_frames", "base64_in_small_pieces", "pings_come_in_time"])
    func frames(_ name: String) async throws { try await Self.play(name) }

    static func play(_ name: String) async throws {
        try await RelayField.play(name, of: "foreign_field.py", seconds: 60)
    }
}

/// Connections of all kinds, many of them.
@Suite("the relay after many connections")
struct ChurnFieldTests {
    @Test("descriptors and memory are as before")
    func churn() async throws {
        let isLong = ProcessInfo.processInfo.environment["MAXWELL_TEST_LONG"] != nil
        try await RelayField.play(
            "churn", of: "churn_field.py", with: [isLong ? "50000" : "3000"], seconds: isLong ? 900 : 120)
    }
}
