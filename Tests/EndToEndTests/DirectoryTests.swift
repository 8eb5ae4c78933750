import Foundation
import Glibc
import Testing

/// The gateway's directory, changed as its administrator does: over its Unix socket, where root may do everything.
enum Slapd {
    static let base = "dc=quickstart,dc=test"

    /// Carries out the LDIF `changes` (ldapmodify(1)).
    static func change(_ changes: String) throws {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("mw-\(UUID().uuidString).ldif")
        try Data((changes + "\n").utf8).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        let socket = (try Gateway.recorded("run") + "/ldapi").replacingOccurrences(of: "/", with: "%2F")
        let answer = try Gateway.run([
            "ldapmodify", "-Q", "-Y", "EXTERNAL", "-H", "ldapi://\(socket)", "-f", file.path,
        ])
        guard answer.status == 0 else { throw Missing(description: answer.output) }
    }

    /// An attribute of a person that has none of it, for as long as `body` runs.
    static func with(_ attribute: String, _ value: String, of user: String, _ body: () throws -> Void) throws {
        let entry = "dn: uid=\(user),ou=people,\(base)\nchangetype: modify\n"
        try change(entry + "add: \(attribute)\n\(attribute): \(value)")
        defer {
            do { try change(entry + "delete: \(attribute)") } catch { Issue.record(error) }
        }
        try body()
    }

    /// A person `name` in the directory, as its other people are, for as long as `body` runs; nobody makes a home.
    static func withPerson(_ name: String, uid: Int, _ body: () throws -> Void) throws {
        let homes = try Gateway.hostsArePlain ? Gateway.data.path + "/homes" : "/home"
        let entry = "dn: uid=\(name),ou=people,\(base)\nchangetype: "
        try change(
            entry
                + """
                add
                objectClass: inetOrgPerson
                objectClass: posixAccount
                uid: \(name)
                cn: \(name)
                sn: \(name)
                uidNumber: \(uid)
                gidNumber: \(uid)
                homeDirectory: \(homes)/\(name)
                loginShell: /bin/bash
                """)
        defer {
            do { try change(entry + "delete") } catch { Issue.record(error) }
        }
        try body()
    }
}

/// A server that takes connections and never says a word.
private final class SilentServer {
    private let descriptor: Int32
    let port: UInt16

    init() throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = INADDR_LOOPBACK.bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let fd = descriptor
        let bound = withUnsafeMutableBytes(of: &address) { bytes in
            bytes.withMemoryRebound(to: sockaddr.self) { place in
                bind(fd, place.baseAddress, length) == 0 && listen(fd, 64) == 0
                    && getsockname(fd, place.baseAddress, &length) == 0
            }
        }
        guard bound else { throw Missing(description: "no port of the loopback could be had") }
        port = UInt16(bigEndian: address.sin_port)
    }

    deinit { close(descriptor) }
}

extension EndToEnd {
    /// What an account may be besides in order, and what its user reads then.
    struct BadAccount: CustomTestStringConvertible, Sendable {
        let attribute: String
        let value: String
        let sentence: String
        var testDescription: String { attribute }
    }

    static let badAccounts = [
        BadAccount(
            attribute: "pwdAccountLockedTime", value: "000001010000Z",
            sentence: "The account bob is locked; please ask the gateway's administrators.\n"),
        BadAccount(
            attribute: "shadowExpire", value: "1",
            sentence: "The account bob has expired; please ask the gateway's administrators.\n"),
    ]

    @Test("an account that is locked or has expired starts nothing until it is put right", arguments: badAccounts)
    func badAccount(bad: BadAccount) throws {
        try Slapd.with(bad.attribute, bad.value, of: "bob") {
            let before = try Traces()
            let answer = try Gateway.maxwell("start", "user=bob", "ip=127.0.0.1", "app=xterm", "version=1")
            #expect(answer.status == 77)
            #expect(answer.output == bad.sentence)
            try before.expectNoMore()
        }
        try Gateway.withSession(user: "bob") { _ in }
    }

    @Test("directory servers that are gone or silent are passed over for one that answers; alone, they are told")
    func deadDirectoryServers() throws {
        let silent = try SilentServer()
        let dead = "\"ldaps://127.0.0.1:1\", \"ldaps://127.0.0.1:\(silent.port)\""
        try Gateway.withSettings({ $0.replacingOccurrences(of: "uris: [", with: "uris: [\(dead), ") }) {
            try Gateway.awaitHosts()
            // More often than the controller has connections to the directory: each finds its way by itself.
            for _ in 0..<6 { try Gateway.withSession { _ in } }
            let unknown = try Gateway.maxwell("start", "user=nobody-here", "ip=127.0.0.1", "app=xterm", "version=1")
            #expect(unknown.status == 67, "\(unknown.output)")
        }
        try Gateway.withSettings({ text in
            text.split(separator: "\n", omittingEmptySubsequences: false)
                .map { $0.hasPrefix("  uris: [") ? "  uris: [\(dead)]" : $0 }.joined(separator: "\n")
        }) {
            try Gateway.awaitHosts()
            try refusedStart(75, saying: "directory does not answer")
        }
    }
}
