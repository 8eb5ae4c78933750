import Foundation
import LDAPDirectory
import SessionModel
import Testing
import TestServers

@Suite("servers that do not answer", .timeLimit(.minutes(2)))
struct FailoverTests {
    private let alice = UserName(known: "alice")

    @Test(
        "the next server is asked when the first refuses or says nothing", arguments: ["ldap", "ldaps"], [true, false])
    func next(scheme: String, isSilent: Bool) async throws {
        let port = try FreePort()
        if !isSilent { port.release() }
        defer { if isSilent { port.release() } }
        let directory = try People.directory { settings, server in
            settings.uris = ["\(scheme)://127.0.0.1:\(port.number)", server.uri]
            settings.timeout = .seconds(8)
        }
        #expect(try await directory.account(alice).uid == 5001)
        try await directory.authenticate(alice, password: Secret("alice-word"))
    }

    @Test("a server that goes away with our connections is replaced by the next, and nobody who asks notices")
    func goneAway() async throws {
        let (first, second) = (try People.anotherServer(), try People.anotherServer())
        let authorities = second.folder + "/both.crt"
        let texts = try [first, second].map { try String(contentsOfFile: $0.caFile, encoding: .utf8) }
        try texts.joined().write(toFile: authorities, atomically: true, encoding: .utf8)
        let directory = try People.directory { settings, _ in
            settings.uris = [first.uri, second.uri]
            settings.caFile = authorities
        }
        // More often than there are connections, which take turns.
        for _ in 0..<8 { #expect(try await directory.account(alice).uid == 5001) }
        try first.stop()
        for _ in 0..<8 { #expect(try await directory.account(alice).uid == 5001) }
        try second.stop()
    }

    @Test(
        "a server that takes connections and says nothing costs no more than the timeout",
        arguments: ["ldap", "ldaps"])
    func silence(scheme: String) async throws {
        let port = try FreePort()
        defer { port.release() }
        let directory = try People.directory { settings, _ in
            settings.uris = ["\(scheme)://127.0.0.1:\(port.number)"]
            settings.timeout = .seconds(1)
        }
        let error = await #expect(throws: DirectoryError.self) { try await directory.account(alice) }
        guard case .unavailable(let cause) = error else { throw error ?? .emptyPassword }
        // The thread itself came back: it is not only that nobody waits for it any more.
        #expect(cause.contains("127.0.0.1"))
        #expect(error?.exitStatus == .tryAgain)
    }
}
