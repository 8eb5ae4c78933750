import ControlProtocol
import ControlSocket
import Glibc
import HostProtocol
import SessionModel

/// `maxwell host add`: brings the agent over, lets the controller in, and has it try the host. Each step may be
/// repeated; the second run replaces what the first one left.
struct HostAddition {
    let options: HostAddOptions
    let ssh: AdministratorSSH
    let agent: String
    /// Prints one line about a step.
    let tell: (String) -> Void

    /// Where the agent lives on a host.
    private static let installed = "/usr/local/lib/maxwell/maxwell-host"

    /// The whole way; throws at the first step that fails.
    func run() async throws {
        let answer = try key()
        let resolved = try await ssh.resolved()
        let address = options.address ?? resolved.address
        let port = options.port ?? resolved.port
        let fingerprint = try await look()
        let hostKey = try await pin(fingerprint, address: address, port: port)
        try await install()
        try await authorize(answer.publicKey)
        try record(
            HostOrder(
                name: options.name, address: address, port: port, account: "root", sshHostKey: hostKey,
                zone: options.zone, provisions: options.provisions, maximumUses: options.maximumUses,
                runFolder: options.runFolder))
    }

    private func key() throws -> HostKeyAnswer {
        switch try ask(.hostKey, patience: 20) {
        case .hostKey(let answer):
            let words = answer.publicKey.split(separator: " ")
            guard words.count >= 2, answer.publicKey.utf8.allSatisfy({ (0x20...0x7E).contains($0) && $0 != 0x27 })
            else {
                throw Refusal("The session service has no usable ssh key; please look at its log.", .configuration)
            }
            return answer
        case .refused(let refusal): throw refusal
        default: throw Self.strange
        }
    }

    /// Logs in, and refuses a host that could not run a display; gives the fingerprint of its key.
    private func look() async throws -> String {
        let (output, fingerprint) = try await ssh.open(
            """
            id -u; uname -m
            for word in Xvnc xmessage bwrap; do command -v $word >/dev/null || echo missing $word; done
            """)
        let lines = output.split(separator: "\n").map(String.init)
        guard lines.first == "0" else {
            throw Refusal("Your ssh reaches \(ssh.destination), but not as root; please log in as root.", .noPermission)
        }
        guard lines.dropFirst().first == Self.machine else {
            throw Refusal("The agent is built for \(Self.machine), but the host is another machine.", .unavailable)
        }
        var missing = lines.compactMap { $0.hasPrefix("missing ") ? String($0.dropFirst(8)) : nil }
        if options.isolation == "none" { missing.removeAll { $0 == "bwrap" } }
        if let one = missing.first(where: { $0 != "xmessage" }) {
            let package = one == "Xvnc" ? "tigervnc-standalone-server" : "bubblewrap"
            throw Refusal("The host has no \(one); please install \(package) there and try again.", .unavailable)
        }
        tell("\(ssh.destination): logged in as root; its key is \(fingerprint)")
        if missing.contains("xmessage") { tell("note: no xmessage there (x11-utils): messages to users will not show") }
        return fingerprint
    }

    /// The host key that the administrator's ssh accepted, whole: from the address the controller will use, or from
    /// the host's own files. Both are only candidates; the fingerprint decides.
    private func pin(_ fingerprint: String, address: String, port: Int) async throws -> String {
        var candidates = try await AdministratorSSH.run(
            "ssh-keyscan", ["-T", "5", "-p", String(port), "--", address], quietly: true
        )
        .output.split(separator: "\n").compactMap(Self.scanned)
        candidates += try await ssh.run("cat /etc/ssh/ssh_host_*_key.pub 2>/dev/null; true").output
            .split(separator: "\n").compactMap { Self.typeAndKey($0.split(separator: " ")) }
        for candidate in candidates {
            let file = "\(ssh.folder)/key.pub"
            try write(candidate + "\n", to: file)
            let told = try await AdministratorSSH.run("ssh-keygen", ["-l", "-E", "sha256", "-f", file])
            if told.good, told.output.split(separator: " ").contains(Substring(fingerprint)) {
                tell("pinned \(candidate.prefix { $0 != " " }) \(fingerprint)")
                return candidate
            }
        }
        throw Refusal(
            "The host at \(address) port \(port) shows another key than your ssh accepted; please check the address.",
            .noHost)
    }

    private static func scanned(_ line: Substring) -> String? {
        line.hasPrefix("#") ? nil : typeAndKey(line.split(separator: " ").dropFirst())
    }

    private static func typeAndKey(_ words: some Collection<Substring>) -> String? {
        let words = Array(words.prefix(2))
        guard words.count == 2 else { return nil }
        return "\(words[0]) \(words[1])"
    }

    /// Writes beside the agent and renames, so that a running one keeps its file and no half one is ever started.
    private func install() async throws {
        let path = Self.installed
        let folder = path[..<(path.lastIndex(of: "/") ?? path.endIndex)]
        var status = stat()
        guard stat(agent, &status) == 0 else {
            throw Refusal("There is no agent at \(agent); please name it with --agent.", .noInput)
        }
        let outcome = try await ssh.run(
            """
            umask 022; mkdir -p \(folder) && cat > \(path).new && [ $(wc -c < \(path).new) = \(status.st_size) ] \
            && chmod 755 \(path).new && mv -f \(path).new \(path)
            """, input: agent)
        guard outcome.good else {
            throw Refusal("The agent could not be written to \(path) on the host; is its disk full?", .cannotCreate)
        }
        tell("installed \(path)")
    }

    /// Replaces the key's line in the host's authorized_keys (sshd(8)): it starts the agent, reaches the data socket,
    /// and nothing else.
    private func authorize(_ publicKey: String) async throws {
        let words = publicKey.split(separator: " ")
        let run = options.runFolder
        let line = AgentKeyLine(
            command: "\(Self.installed) --run \(run) --isolation \(options.isolation) serve",
            dataSocket: "\(run)/data.sock", publicKey: "\(words[0]) \(words[1]) maxwell")
        let file = "\(ssh.folder)/line"
        try write(line.text + "\n", to: file)
        let outcome = try await ssh.run(
            """
            umask 077; file=\(options.authorizedKeys ?? "~root/.ssh/authorized_keys")
            mkdir -p "${file%/*}" && touch "$file" && file=$(readlink -f "$file") \
            && { grep -vF '\(words[1])' "$file"; cat; } > "$file.maxwell" && chmod 600 "$file.maxwell" \
            && mv -f "$file.maxwell" "$file"
            """, input: file)
        guard outcome.good else {
            throw Refusal("The key's line could not be written to authorized_keys on the host.", .cannotCreate)
        }
        tell("the session service's key may start the agent there, and nothing else")
        // What no key's line can say (sshd_config(5)).
        let forwards = try await ssh.run(
            "sshd -T -C user=root,host=localhost,addr=127.0.0.1 2>/dev/null | grep -i '^allowstreamlocalforwarding '; true"
        )
        let value = forwards.output.split(whereSeparator: \.isWhitespace).last
        if value == "yes" || value == "all" || value == "remote" {
            tell(
                "note: its sshd lets that key make sockets there; 'AllowStreamLocalForwarding local' in sshd_config ends it"
            )
        }
    }

    /// Has the controller connect, try a display and its data link, and keep the host.
    private func record(_ order: HostOrder) throws {
        switch try ask(.addHost(order), patience: 120) {
        case .done(let sentence): tell(sentence.isEmpty ? "\(order.name) is recorded" : sentence)
        case .lines(let lines, let good):
            for line in lines { tell(line) }
            guard good else {
                throw Refusal("The host is prepared, but its trial failed; see the lines above.", .unavailable)
            }
        case .refused(let refusal): throw refusal
        default: throw Self.strange
        }
    }

    private func ask(_ request: ControlRequest, patience: Int) throws(ControlSocketError) -> ControlReply {
        let connection = try ControlConnection(path: ControlPath.standard(), patience: patience)
        defer { connection.close() }
        return try connection.ask(request)
    }

    private func write(_ text: String, to path: String) throws(Refusal) {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        defer { if descriptor >= 0 { close(descriptor) } }
        guard descriptor >= 0, Glibc.write(descriptor, text, text.utf8.count) == text.utf8.count else {
            throw Refusal("A temporary file could not be written; is the disk full?", .cannotCreate)
        }
    }

    private static var strange: Refusal {
        Refusal(
            "The session service answered in words of another release; please tell an administrator.", .protocolError)
    }

    /// What `uname -m` says here (uname(2)).
    private static var machine: String {
        var names = utsname()
        uname(&names)
        return withUnsafeBytes(of: &names.machine) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }
}
