import SettingsFile
import Testing

@testable import SessionControl

@Suite("the gateway's own addresses")
struct OwnAddressesTests {
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
            "{database: {socket: , host: 10.9.8.7}, ldap: {uris: [\"ldap://localhost\", \"ldap://no.such.name.invalid\"]}}"
        )
        let own = OwnAddresses(settings)
        let addresses = await own.all(hosts: ["10.1.1.1", "2001:db8::9"])
        #expect(Set(addresses).isSuperset(of: ["10.9.8.7", "127.0.0.1", "10.1.1.1", "2001:db8::9"]))
        #expect(await own.all(hosts: []).contains("10.1.1.1") == false)
    }
}
