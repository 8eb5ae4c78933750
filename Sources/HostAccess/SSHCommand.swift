import Glibc
import Subprocess
import Synchronization
import SystemPackage

/// The ssh(1) command lines of one host: nothing of the user's configuration, one key each way, and nothing of this
/// machine offered to the host.
struct SSHCommand {
    let endpoint: HostEndpoint
    let settings: HostAccessSettings
    /// Which of the host's picture links it is, from 0.
    var lane = 0

    /// The file with the host's pinned key, written by ``pin()``.
    var knownHosts: String { "\(settings.folder)/\(endpoint.name).pin" }
    /// The picture master's control socket.
    var controlPath: String { "\(settings.folder)/\(endpoint.name).ctl\(mark)" }
    /// The local end of the host's data link.
    var dataSocket: String { "\(settings.folder)/\(endpoint.name).data\(mark)" }
    private var mark: String { lane == 0 ? "" : "\(lane)" }
    /// The far end.
    var remoteDataSocket: String { "\(endpoint.runFolder)/data.sock" }

    private var common: [String] {
        [
            "-F", "none", "-p", String(endpoint.port), "-l", endpoint.account, "-i", settings.key,
            "-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes", "-o", "StrictHostKeyChecking=yes",
            "-o", "UserKnownHostsFile=\(knownHosts)", "-o", "GlobalKnownHostsFile=none",
            "-o", "HostKeyAlias=\(endpoint.name)", "-o", "PreferredAuthentications=publickey",
            "-o", "ConnectTimeout=\(settings.connectSeconds)", "-o", "ServerAliveInterval=\(settings.aliveSeconds)",
            "-o", "ServerAliveCountMax=3", "-o", "LogLevel=ERROR", "-a", "-x", "-k", "-o", "Tunnel=no",
            "-o", "UpdateHostKeys=no", "-o", "CheckHostIP=no", "-o", "VerifyHostKeyDNS=no", "-o", "EscapeChar=none",
        ]
    }

    /// One `maxwell-host serve` on standard input and output: the forced command decides what runs, whatever is asked.
    var channel: Arguments {
        Arguments(common + ["-T", "-o", "ControlPath=none", "--", endpoint.address, "serve"])
    }

    /// A master in the background that only carries pictures. The local socket is made for user and group (0660); the
    /// group is the setgid folder's. Where both ends have it, its cipher is the one that processors have instructions for
    /// (ssh_config(5), Ciphers).
    var pictureMaster: Arguments {
        Arguments(
            common + [
                "-f", "-N", "-M", "-S", controlPath, "-o", "ControlPersist=no", "-o", "ExitOnForwardFailure=yes",
                "-o", "StreamLocalBindUnlink=yes", "-o", "StreamLocalBindMask=0117",
                "-o", "Ciphers=^aes128-gcm@openssh.com",
                "-L", "\(dataSocket):\(remoteDataSocket)", "--", endpoint.address,
            ])
    }

    /// `ssh -O WORD` to the picture master.
    func control(_ word: String) -> Arguments {
        Arguments(["-F", "none", "-S", controlPath, "-O", word, "--", endpoint.address])
    }

    /// Writes the pinned key, so that ssh accepts this host and no other under its name. A host's agent and its pictures may
    /// do so in one moment.
    func pin() throws(HostAccessError) {
        try Self.pinning.withLock { _ throws(HostAccessError) in try writePin() }
    }

    private static let pinning = Mutex<Void>(())

    private func writePin() throws(HostAccessError) {
        do {
            let file = try FileDescriptor.open(
                knownHosts + ".new", .writeOnly, options: [.create, .truncate], permissions: .ownerReadWrite)
            try file.closeAfter { _ = try file.writeAll("\(endpoint.name) \(endpoint.sshHostKey)\n".utf8) }
        } catch {
            throw .away(endpoint.name, cause: "cannot write \(knownHosts): \(error)")
        }
        guard rename(knownHosts + ".new", knownHosts) == 0 else {
            throw .away(endpoint.name, cause: "cannot rename to \(knownHosts): errno \(errno)")
        }
    }
}
