import SettingsFile
import Synchronization
import Testing

@testable import SessionControl

@Suite("the gateway's own addresses")
struct OwnAddressesTests {
    /// A gateway that needs no other machine but its hosts.
    private static let alone = "ldap: {uris: [\"ldapi://%2Frun%2Fldapi\"]}"

    @Test(
        "the machine of a directory's address is found",
        arguments: [
            ("ldap://ldap.example.org", "ldap.example.org"), ("ldaps://10.0.0.5:636", "10.0.0.5"),
            ("ldap://[2001:db8::5]:389/x", "2001:db8::5"), ("ldapi://%2Frun%2Fldapi", nil), ("ldap:///", nil),
        ] as [(String, String?)])
    func directory(uri: String, host: String?) {
        #expect(OwnAddresses.host(ofDirectory: uri) == host)
    }

    @Test("database, directory, hosts and this machine are among them")
    func all() async throws {
        let settings = try Settings.parse(
            "{database: {socket: , host: 10.9.8.7}, ldap: {uris: [\"ldap://localhost\", \"ldap://10.9.8.6\"]}}")
        let own = OwnAddresses(settings)
        let addresses = try await own.all(hosts: ["10.1.1.1", "2001:db8::9"])
        #expect(Set(addresses).isSuperset(of: ["10.9.8.7", "10.9.8.6", "127.0.0.1", "10.1.1.1", "2001:db8::9"]))
        #expect(try await own.all(hosts: []).contains("10.1.1.1") == false)
    }

    @Test("a name without an address, be it the database's, the directory's or a host's, is no answer, and is named")
    func unknown() async throws {
        let name = "no.such.name.invalid"
        for (text, hosts) in [
            ("{database: {socket: , host: \(name)}}", []), ("{ldap: {uris: [\"ldap://\(name)\"]}}", []), ("{}", [name]),
        ] as [(String, [String])] {
            let own = OwnAddresses(try Settings.parse(text)) { $0 == name ? [] : ["10.1.1.1"] }
            await #expect(throws: SessionError.ownAddressUnknown(name), "\(text)") { try await own.all(hosts: hosts) }
        }
        let error = SessionError.ownAddressUnknown(name)
        #expect(error.operatorCause?.hasPrefix("\(name) ") == true && !error.userMessage.contains(name))
        #expect(error.exitStatus == .tryAgain)
    }

    @Test("a name that gets an address is known at the next start, and keeps its last one when it has none any more")
    func later() async throws {
        let answer = Mutex([String]())
        let own = OwnAddresses(try Settings.parse(Self.alone), interval: .zero) { _ in answer.withLock { $0 } }
        await #expect(throws: SessionError.ownAddressUnknown("exec1")) { try await own.all(hosts: ["exec1"]) }
        for (now, known) in [
            (["10.1.1.1"], "10.1.1.1"), (["10.1.1.2"], "10.1.1.2"), ([], "10.1.1.2"),
        ] as [([String], String)] {
            answer.withLock { $0 = now }
            #expect(try await own.all(hosts: ["exec1"]).contains(known))
        }
        #expect(try await !own.all(hosts: ["exec1"]).contains("10.1.1.1"))
    }

    @Test("a name is not asked for again while its answer is fresh, and at once when there was none")
    func freshness() async throws {
        let asked = Mutex(0)
        let own = OwnAddresses(try Settings.parse(Self.alone)) { _ in
            asked.withLock { count in
                count += 1
                return count < 3 ? [] : ["10.1.1.1"]
            }
        }
        for _ in 1...2 { await #expect(throws: SessionError.self) { try await own.all(hosts: ["exec1"]) } }
        for _ in 1...2 { #expect(try await own.all(hosts: ["exec1"]).contains("10.1.1.1")) }
        let count = asked.withLock { $0 }
        #expect(count == 3)
    }
}
