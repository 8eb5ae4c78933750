import Foundation
import HostAccess
import HostProtocol
import SessionModel
import TestServers

/// An execution host behind an sshd(8) of its own on loopback: the built `maxwell-host`, without containers, with a
/// display server that starts and never says a word; or another program in its place.
final class PrivateHost {
    let endpoint: HostEndpoint
    let settings: HostAccessSettings
    let folder: PrivateFolder
    private let server: WatchedProcess

    /// Starts it as the account that runs the tests; `agent` is the command that its key line allows, if it is not the
    /// agent's. A key that is not restricted may do whatever sshd lets keys do: it shows that an attack works.
    init(agent: String? = nil, isRestricted: Bool = true) throws {
        // Writing to an ssh that was killed must be an error.
        signal(SIGPIPE, SIG_IGN)
        folder = try PrivateFolder(prefix: "mwha")
        // The display server runs under a uid of its own.
        chmod(folder.path, 0o711)
        // sshd's own, for its unprivileged part (sshd(8)): the machine's service makes it at its start.
        if geteuid() == 0 { mkdir("/run/sshd", 0o755) }
        let mute = folder.file("mute")
        try "#!/bin/sh\nwhile sleep 0.2; do :; done\n".write(toFile: mute, atomically: true, encoding: .utf8)
        chmod(mute, 0o755)
        for key in ["host_key", "other_key", "key"] {
            _ = try runCommand(["/usr/bin/ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder.file(key)])
        }
        let run = folder.file("run")
        let command =
            agent ?? "\(builtProgram("maxwell-host")) --run \(run) --isolation none --xvnc \(mute) serve"
        let publicKey = try String(contentsOfFile: folder.file("key.pub"), encoding: .utf8)
        let line = AgentKeyLine(command: command, dataSocket: "\(run)/data.sock", publicKey: publicKey)
        try (isRestricted ? line.text : publicKey).write(
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
        X11Forwarding yes
        AllowStreamLocalForwarding \(isRestricted ? "local" : "yes")
        Subsystem sftp internal-sftp

        """.write(toFile: folder.file("sshd_config"), atomically: true, encoding: .utf8)
        endpoint = HostEndpoint(
            name: try HostName("node1"), address: "127.0.0.1", port: Int(port.number), account: NSUserName(),
            sshHostKey: try Self.key(folder.file("host_key.pub")), runFolder: run)
        // ssh's own question for a sign of life must not come before the channel's, however busy this machine is.
        settings = HostAccessSettings(
            key: folder.file("key"), folder: folder.path, connectSeconds: 5, aliveSeconds: 60)
        port.release()
        server = try WatchedProcess(
            ["/usr/sbin/sshd", "-D", "-e", "-f", folder.file("sshd_config")], log: folder.file("log"))
        try server.waitUntil { server.logEnd.contains("Server listening") }
    }

    /// The same host as somebody has it recorded who knows another key.
    func endpointWithOtherKey() throws -> HostEndpoint {
        HostEndpoint(
            name: endpoint.name, address: endpoint.address, port: endpoint.port, account: endpoint.account,
            sshHostKey: try Self.key(folder.file("other_key.pub")), runFolder: endpoint.runFolder)
    }

    private static func key(_ file: String) throws -> String {
        try String(contentsOfFile: file, encoding: .utf8).split(separator: " ").prefix(2).joined(separator: " ")
    }

    /// The words of an ssh(1) with the controller's key, whose options may ask for anything.
    func ssh(_ options: [String], _ command: [String] = []) -> [String] {
        [
            "/usr/bin/ssh", "-F", "none", "-p", "\(endpoint.port)", "-l", endpoint.account, "-i", settings.key, "-o",
            "BatchMode=yes", "-o", "IdentitiesOnly=yes", "-o", "StrictHostKeyChecking=no", "-o",
            "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR",
        ] + options + ["--", endpoint.address] + command
    }

    /// Stops the sshd processes of the connections that are open, as a machine that hangs would be: nothing is closed,
    /// nothing is answered.
    func freeze() {
        for pid in connections { kill(pid, SIGSTOP) }
    }

    /// Ends everything of it.
    func tearDown() {
        for pid in connections { kill(pid, SIGKILL) }
        server.stop()
        for pid in Self.processes(with: folder.path) { kill(pid, SIGKILL) }
        folder.remove()
    }

    /// What sshd wrote.
    var log: String { server.logEnd }

    /// The listening sshd's children and theirs, as far as they are sshd too.
    private var connections: [Int32] {
        var found = Self.processes(with: folder.file("sshd_config"))
        let listeners = Set(found)
        let all = Self.processes(with: "sshd")
        while case let more = all.filter({ !found.contains($0) && found.contains(Self.parent(of: $0)) }), !more.isEmpty
        {
            found += more
        }
        return found.filter { !listeners.contains($0) }
    }

    private static func parent(of pid: Int32) -> Int32 {
        let status = (try? String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8)) ?? ""
        let line = status.split(separator: "\n").first { $0.hasPrefix("PPid:") }
        return line.flatMap { Int32($0.dropFirst(5).trimmingCharacters(in: .whitespaces)) } ?? 0
    }

    /// All whose words have `word` in them, this one left out.
    static func processes(with word: String) -> [Int32] {
        let all = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return all.compactMap { Int32($0) }.filter { pid in
            guard pid != getpid(), let line = FileManager.default.contents(atPath: "/proc/\(pid)/cmdline") else {
                return false
            }
            return String(decoding: line, as: UTF8.self).contains(word)
        }
    }
}
