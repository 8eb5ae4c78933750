import Foundation
import HostProtocol
import TestServers
import Testing

/// Attacks of somebody who has the controller's key, against the host of a true sshd(8).
@Suite("the controller's key on a host", .serialized)
struct AgentKeyTests {
    private func withHost(
        agent: String? = nil, isRestricted: Bool = true, _ body: (PrivateHost) throws -> Void
    ) throws {
        let host = try PrivateHost(agent: agent, isRestricted: isRestricted)
        defer { host.tearDown() }
        do {
            try body(host)
        } catch {
            Issue.record("\(error)\n\(host.log)")
        }
    }

    private static let ping = #"{"id":1,"request":{"ping":{}}}"# + "\n"

    @Test(
        "a shell, a command and sftp are asked for in vain: the agent runs",
        arguments: [
            ([], []), ([], ["touch $FOLDER/mark"]), ([], ["maxwell-host", "--run", "/tmp", "serve"]),
            (["-s"], ["sftp"]),
        ] as [([String], [String])])
    func commands(options: [String], command: [String]) throws {
        try withHost { host in
            let words = command.map { $0.replacing("$FOLDER", with: host.folder.path) }
            let answer = try runCommand(host.ssh(options, words), input: Self.ping)
            let lines = answer.output.split(separator: "\n")
            #expect(lines.count == 2 && lines.first?.hasPrefix(#"{"hello":"#) ?? false, "\(answer)")
            let reply = lines.last.flatMap { try? JSONDecoder().decode(HostMessage.self, from: Data($0.utf8)) }
            #expect(reply == .reply(id: 1, .done), "\(answer)")
            #expect(!FileManager.default.fileExists(atPath: host.folder.file("mark")))
        }
    }

    @Test("neither an ssh agent, nor an X display, nor a terminal comes along", arguments: [true, false])
    func offers(isRestricted: Bool) throws {
        try withHost(agent: "/usr/bin/env", isRestricted: isRestricted) { host in
            let terminal = try runCommand(host.ssh(["-tt"], ["env"]))
            #expect(terminal.output.contains("SSH_TTY=") == !isRestricted, "\(terminal)")
            let words = host.ssh(["-A", "-Y"], ["env"])
            let answer = try runCommand(
                ["/usr/bin/ssh-agent", "/usr/bin/env", "DISPLAY=127.0.0.1:99"] + words)
            #expect(answer.output.contains("SSH_CLIENT="), "\(answer)")
            for variable in ["SSH_AUTH_SOCK=", "DISPLAY="] {
                // With a key that may do everything the attack works.
                #expect(answer.output.contains(variable) == !isRestricted, "\(variable) \(answer)")
            }
        }
    }

    /// What `target` says through a local forward that the key was asked to open.
    private func heard(_ host: PrivateHost, _ target: String, asking words: String = "") throws -> String {
        let local = host.folder.file("local")
        let tunnel = try WatchedProcess(
            host.ssh(["-N", "-o", "StreamLocalBindUnlink=yes", "-L", "\(local):\(target)"]),
            log: host.folder.file("tunnel"))
        defer { tunnel.stop() }
        try tunnel.waitUntil { (try? runCommand(["/usr/bin/test", "-S", local]).status) == 0 }
        return try runCommand(["/usr/bin/socat", "-t5", "-T5", "-", "UNIX-CONNECT:\(local)"], input: words).output
    }

    @Test("its data socket answers through a forward; no other socket of the host does, and no port")
    func localForwards() throws {
        try withHost { host in
            let run = host.endpoint.runFolder
            // The agent starts the data process, which outlives it.
            _ = try runCommand(host.ssh([], ["serve"]), input: Self.ping)
            #expect(try heard(host, "\(run)/data.sock", asking: "PING\n") == "OK\n")
            let other = host.folder.file("other")
            let server = try WatchedProcess(
                ["/usr/bin/socat", "UNIX-LISTEN:\(other),fork", "SYSTEM:echo secret"], log: host.folder.file("socat"))
            defer { server.stop() }
            try server.waitUntil { (try? runCommand(["/usr/bin/test", "-S", other]).status) == 0 }
            #expect(
                try runCommand(["/usr/bin/socat", "-t5", "-T5", "-", "UNIX-CONNECT:\(other)"]).output == "secret\n")
            for target in [
                other, "\(run)/../other", "\(run)/../run/data.sock", "127.0.0.1:\(host.endpoint.port)",
                "localhost:\(host.endpoint.port)", "[::1]:\(host.endpoint.port)",
            ] {
                #expect(try heard(host, target, asking: "PING\n") == "", "\(target)")
            }
            let through = try runCommand(host.ssh(["-W", "127.0.0.1:\(host.endpoint.port)"]), input: "x\n")
            #expect(through.status != 0 && through.output == "", "\(through)")
        }
    }

    @Test("a port of the host is not listened on for it, whichever address is asked for")
    func remoteForwards() throws {
        try withHost { host in
            let free = try FreePort()
            let port = free.number
            free.release()
            for source in ["127.0.0.1:\(port)", "localhost:\(port)", "*:\(port)", "\(port)", "0", "127.0.0.1:0"] {
                let asked = try runCommand(
                    ["/usr/bin/timeout", "20"]
                        + host.ssh(["-N", "-o", "ExitOnForwardFailure=yes", "-R", "\(source):127.0.0.1:9"]))
                #expect(asked.status == 255 && asked.errors.contains("forwarding failed"), "\(source): \(asked)")
            }
        }
    }

    @Test("a socket is not made on the host for it, where sshd forwards sockets one way", arguments: [true, false])
    func remoteSockets(isRestricted: Bool) throws {
        try withHost(isRestricted: isRestricted) { host in
            let made = host.folder.file("made")
            let asked = try runCommand(
                ["/usr/bin/timeout", "3"]
                    + host.ssh(["-N", "-o", "ExitOnForwardFailure=yes", "-R", "\(made):127.0.0.1:9"]))
            // The key's line has no word for it: sshd_config(5) has, and without it the attack works.
            #expect(asked.status == (isRestricted ? 255 : 124), "\(asked)")
            #expect(FileManager.default.fileExists(atPath: made) == !isRestricted)
        }
    }
}
