import LDAPDirectory
import SessionModel
import Testing
import TestServers

@Suite("passwords", .timeLimit(.minutes(2)))
struct PasswordTests {
    private let alice = UserName(known: "alice")
    private let right = Secret("alice-word")

    @Test("the right password is taken over StartTLS, ldaps and a local socket")
    func ways() async throws {
        let server = try People.server.get()
        for uri in [server.uri, server.tlsURI, server.localURI] {
            let directory = try People.directory { settings, _ in settings.uris = [uri] }
            try await directory.authenticate(alice, password: right)
            await #expect(throws: DirectoryError.wrongPassword(alice)) {
                try await directory.authenticate(alice, password: Secret("bob-word"))
            }
        }
    }

    @Test("a wrong password and an unknown account are told apart, and a look-up still works after both")
    func apart() async throws {
        let directory = try People.directory()
        let nobody = UserName(known: "nosuch")
        await #expect(throws: DirectoryError.wrongPassword(alice)) {
            try await directory.authenticate(alice, password: Secret("alice-word\0"))
        }
        await #expect(throws: DirectoryError.unknown(nobody)) {
            try await directory.authenticate(nobody, password: right)
        }
        #expect(try await directory.account(alice).uid == 5001)
    }

    @Test("an empty password never reaches a server")
    func empty() async throws {
        let directory = try People.directory { settings, _ in settings.uris = ["ldap://192.0.2.1"] }
        await #expect(throws: DirectoryError.emptyPassword) {
            try await directory.authenticate(alice, password: Secret(""))
        }
    }

    @Test("no password crosses the network in clear: neither a person's nor ours")
    func clearText() async throws {
        // The second server lets anonymous look, so that only the person's own password is left to refuse.
        let open = try People.anotherServer(isReadable: true)
        for uri in [try People.server.get().uri, open.uri] {
            let directory = try People.directory { settings, _ in
                settings.uris = [uri]
                settings.startTLS = false
                if uri == open.uri { settings.bindDN = nil }
            }
            let error = await #expect(throws: DirectoryError.self) {
                try await directory.authenticate(alice, password: right)
            }
            guard case .misconfigured(let cause) = error else { throw error ?? .emptyPassword }
            #expect(cause.contains("in clear"))
        }
        try open.stop()
    }

    @Test("a server whose certificate another authority signed is not talked to")
    func otherAuthority() async throws {
        for isDirect in [true, false] {
            let directory = try People.directory { settings, server in
                settings.caFile = server.otherCAFile
                settings.uris = [isDirect ? server.tlsURI : server.uri]
            }
            let error = await #expect(throws: DirectoryError.self) { try await directory.account(alice) }
            guard case .unavailable = error else { throw error ?? .emptyPassword }
        }
    }

    @Test("an authority's file that is not there, and a wrong bind password, are mistakes of the settings")
    func settingsMistakes() async throws {
        let changes: [@Sendable (inout DirectorySettings, Slapd) -> Void] = [
            { settings, _ in settings.caFile = "/nonexistent/ca.crt" },
            { settings, _ in settings.bindPassword = Secret("wrong") },
            { settings, _ in settings.peopleBase = "ou=none,\(Slapd.suffix)" },
        ]
        for change in changes {
            let directory = try People.directory(change)
            let error = await #expect(throws: DirectoryError.self) { try await directory.account(alice) }
            guard case .misconfigured(let cause) = error else { throw error ?? .emptyPassword }
            #expect(!cause.contains("wrong"))
            #expect(error?.exitStatus == .configuration)
        }
    }
}
