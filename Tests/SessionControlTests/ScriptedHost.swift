import Foundation
import HostProtocol
import SessionModel
import SessionStore
import TestServers

/// An execution host behind an sshd(8) of its own on loopback, whose agent only keeps a list of displays.
final class ScriptedHost {
    static let name = HostName(known: "node1")

    /// As it is recorded.
    let record: HostAddition
    /// The controller's private key.
    let key: String
    private let folder: PrivateFolder
    private let server: WatchedProcess

    /// Starts it as the account that runs the tests; `stray`: a display that it has and nobody knows; `other`: one whose
    /// controller is its own too.
    init(_ name: HostName = ScriptedHost.name, stray: Int? = nil, beside other: ScriptedHost? = nil) throws {
        // Writing to an ssh that was killed must be an error.
        signal(SIGPIPE, SIG_IGN)
        folder = try PrivateFolder(prefix: "mwsh")
        // sshd's own, for its unprivileged part (sshd(8)): the machine's service makes it at its start.
        if geteuid() == 0 { mkdir("/run/sshd", 0o755) }
        for key in other == nil ? ["host_key", "key"] : ["host_key"] {
            _ = try runCommand(["/usr/bin/ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder.file(key)])
        }
        let program = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent(
            "scripted_agent.py")
        let words =
            ["/usr/bin/python3", program.path, folder.file("calls")] + (stray.map { ["\($0)"] } ?? [])
        key = other?.key ?? folder.file("key")
        let publicKey = try String(contentsOfFile: key + ".pub", encoding: .utf8)
        try "restrict,command=\"\(words.joined(separator: " "))\" \(publicKey)".write(
            toFile: folder.file("authorized_keys"), atomically: true, encoding: .utf8)
        let port = try FreePort()
        try """
        ListenAddress 127.0.0.1:\(port.number)
        HostKey \(folder.file("host_key"))
        AuthorizedKeysFile \(folder.file("authorized_keys"))
        PidFile none
        PermitRootLogin prohibit-password
        StrictModes no
        UsePAM yes

        """.write(toFile: folder.file("sshd_config"), atomically: true, encoding: .utf8)
        let hostKey = try String(contentsOfFile: folder.file("host_key.pub"), encoding: .utf8)
        record = HostAddition(
            name: name, address: "127.0.0.1", port: Int(port.number), account: NSUserName(),
            sshHostKey: hostKey.split(separator: " ").prefix(2).joined(separator: " "), runFolder: folder.path)
        port.release()
        server = try WatchedProcess(
            ["/usr/sbin/sshd", "-D", "-e", "-f", folder.file("sshd_config")], log: folder.file("log"))
        try server.waitUntil { server.logEnd.contains("Server listening") }
    }

    /// What the agent was asked, in that order: the request's name and what came with it.
    func calls() throws -> [(word: String, more: [String: Any])] {
        let text = try String(contentsOfFile: folder.file("calls"), encoding: .utf8)
        return try text.split(separator: "\n").map { line in
            guard let call = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: [String: Any]],
                let (word, more) = call.first
            else { throw TestServerError("a call is not one: \(line)") }
            return (word, more["_0"] as? [String: Any] ?? more)
        }
    }

    /// From now on every home has room.
    func makeRoom() throws { try "".write(toFile: folder.file("calls.room"), atomically: true, encoding: .utf8) }

    /// The same as requests.
    func requests() throws -> [HostRequest] {
        let text = try String(contentsOfFile: folder.file("calls"), encoding: .utf8)
        return try text.split(separator: "\n").map { line in
            try JSONDecoder().decode(HostRequest.self, from: Data(line.utf8))
        }
    }

    /// Ends the host; who is connected has left before.
    func tearDown() {
        server.stop()
        folder.remove()
    }
}
