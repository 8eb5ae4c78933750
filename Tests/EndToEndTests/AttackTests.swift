import Foundation
import Testing

/// A user who runs whatever there is to run, in a session of their own, while somebody else has a session on each host.
/// Every attack is told what it could only guess: numbers, paths, keys.
extension EndToEnd {
    /// What every attack is told, besides `more`.
    private func facts(_ victims: [Victim], _ more: [String: Any] = [:]) throws -> [String: Any] {
        let addresses = ["127.0.0.1", "::1"] + (try hostAddresses())
        let known: [String: Any] = [
            "victims": victims.map(\.facts), "addresses": addresses.filter { !$0.contains(":") },
            "processes": victims.flatMap(\.processes) + [getpid(), try Gateway.process("maxwelld")],
        ]
        return known.merging(more) { $1 }
    }

    /// The addresses of the machine's ends of the hosts' cables, and the hosts' own.
    func hostAddresses() throws -> [String] {
        let network = try Gateway.recorded("network")
        return [5, 6, 9, 10].map { "\(network).\($0)" }
    }

    @Test("the X cookie of another session is not read, and its X display not reached")
    func attackXCookie() throws {
        try Victim.with { victims in
            let told = try Attack(name: "x_cookie", facts: try facts(victims)).run()
            #expect(told.successes("files") == [:])
            #expect(told.successes("sockets", besides: ["ENOENT", "ECONNREFUSED", "ENETUNREACH"]) == [:])
            #expect(told["own"].text == "connected" && told["displays"].texts.count == 1)
        }
    }

    @Test("another session's RFB socket is not reached, nor the agent's, nor its own display's")
    func attackRFBSocket() throws {
        try Victim.with { victims in
            let told = try Attack(name: "rfb_socket", facts: try facts(victims)).run()
            let reached = told.successes().keys.filter { !$0.hasPrefix("/tmp/.X11-unix/X") }
            #expect(reached.isEmpty, "\(reached)")
            #expect(told.told.object["/run/maxwell/x/rfb"]?.text == "EACCES")
        }
    }

    @Test("another session's processes are not listed, nor the host's")
    func attackProcesses() throws {
        try Victim.with { victims in
            let told = try Attack(name: "processes", facts: try facts(victims)).run()
            let seen = told["processes"].list.map(\.object)
            // bubblewrap's first process is root's without a capability; the display server has a uid of its own.
            let uids = Set(seen.compactMap { $0["uid"]?.number })
            #expect(uids.subtracting([0, 10001]).count == 1 && uids.contains(10001), "\(seen)")
            #expect(seen.count <= 6)
            let words = seen.compactMap { $0["words"]?.text }
            #expect(!words.contains { $0.contains("sshd") || $0.contains("maxwell-host") || $0.contains("xterm") })
            // bubblewrap has its words too.
            let servers = words.filter { $0.contains("-rfbunixpath") }
            let displays = Set(servers.compactMap { $0.components(separatedBy: " :").last?.prefix(while: \.isNumber) })
            #expect(servers.count == 2 && displays.count == 1, "\(servers)")
        }
    }

    @Test("nothing that is not its own hears a signal")
    func attackSignals() throws {
        try Victim.with { victims in
            let told = try Attack(name: "signals", facts: try facts(victims)).run()
            #expect(told.successes(besides: ["EPERM", "ESRCH"]).keys.filter { $0 != "all" && $0 != "-1" }.isEmpty)
        }
    }

    @Test("other processes' files, memory and namespaces are not reached through /proc")
    func attackRoots() throws {
        let secret = try Attack.home(of: "bob").appendingPathComponent("secret-\(UUID().uuidString)")
        try Data("bob's".utf8).write(to: secret)
        defer { try? FileManager.default.removeItem(at: secret) }
        // Whatever the file's mode: the home is closed.
        #expect(chmod(secret.path, 0o666) == 0)
        try Victim.with { victims in
            let secrets = [
                "/home/bob/\(secret.lastPathComponent)", secret.path, "/root/.ssh/authorized_keys", "/etc/shadow",
                "/etc/ssh/ssh_host_ed25519_key", "/run/maxwell/host.log", try Gateway.setting("MAXWELL_CONFIG"),
            ]
            let told = try Attack(name: "roots", facts: try facts(victims, ["secrets": secrets])).run()
            // Of the container's first process and the display server: both have other uids.
            #expect(told.told.object.count > 20)
            #expect(told.successes() == [:])
        }
    }

    @Test("abstract sockets of the host and of other sessions are not there")
    func attackAbstractSockets() throws {
        let name = "maxwell-\(UUID().uuidString)"
        let exec1 = "mwq-\(try Gateway.recorded("hash"))-exec1"
        let listeners = [[], ["nsenter", "--net=/run/netns/\(exec1)"]].map { words in
            let process = Process()
            process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
            process.arguments = words + ["socat", "ABSTRACT-LISTEN:\(name),fork", "SYSTEM:true"]
            return process
        }
        // A test's thread has its signals blocked, and what it starts inherits that.
        defer { for listener in listeners where listener.isRunning { kill(listener.processIdentifier, SIGKILL) } }
        for listener in listeners { try listener.run() }
        try Gateway.eventually("somebody listens") {
            try Gateway.run(["socat", "-u", "/dev/null", "ABSTRACT-CONNECT:\(name)"]).status == 0
        }
        try Victim.with { victims in
            let told = try Attack(name: "abstract_sockets", facts: try facts(victims, ["abstract": [name]])).run()
            #expect(told.successes("connected", besides: ["ECONNREFUSED"]) == [:])
            #expect(told["seen"].texts.allSatisfy { $0.hasPrefix("@/tmp/.X11-unix/X") }, "\(told["seen"].texts)")
            #expect(!told["seen"].texts.contains("@\(name)"))
        }
    }

    @Test("shared memory of the host and of other sessions is not there")
    func attackSharedMemory() throws {
        let key = Int.random(in: 1_000_000...2_000_000)
        let name = "maxwell-\(UUID().uuidString)"
        let made = try Gateway.run([
            "python3", "-c", "import ctypes; print(ctypes.CDLL(None).shmget(\(key), 4096, 0o1666))",
        ])
        let segment = made.output.trimmingCharacters(in: .newlines)
        #expect(made.status == 0 && Int(segment).map { $0 >= 0 } == true, "\(made)")
        defer { _ = try? Gateway.run(["ipcrm", "--shmem-id", segment]) }
        try Data("shared".utf8).write(to: URL(fileURLWithPath: "/dev/shm/\(name)"))
        defer { try? FileManager.default.removeItem(atPath: "/dev/shm/\(name)") }
        try Victim.with { victims in
            let told = try Attack(
                name: "shared_memory", facts: try facts(victims, ["keys": [key], "shared": [name]])
            ).run()
            #expect(told.successes("keys") == [:] && told.successes("files") == [:])
            // The display server's own segments with its application may be there.
            #expect(!told["segments"].texts.contains { $0.contains(" \(key) ") })
        }
    }

    @Test("namespaces are not made, and user namespaces least of all")
    func attackNamespaces() throws {
        try Victim.with { victims in
            let told = try Attack(name: "namespaces", facts: try facts(victims)).run()
            #expect(told["clone3"].text == "ENOSYS")
            #expect(told["unshare(1)"].text != "0")
            #expect(
                told.successes(besides: ["EPERM", "ENOSYS", "EACCES"]).filter { $0.key != "unshare(1)" } == [:])
        }
    }

    @Test("the system's own calls are refused, and those that reach into the kernel or into others")
    func attackSystemCalls() throws {
        try Victim.with { victims in
            let told = try Attack(name: "system_calls", facts: try facts(victims)).run()
            #expect(told.told.object.count > 35)
            #expect(told.successes(besides: ["EPERM", "ENOSYS"]) == [:])
        }
    }

    @Test("setuid programs give nothing, and nobody becomes somebody else")
    func attackSetuid() throws {
        try Victim.with { victims in
            let told = try Attack(name: "setuid_programs", facts: try facts(victims)).run()
            for set in ["CapEff", "CapPrm", "CapInh", "CapBnd", "CapAmb"] {
                #expect(told[set].text == "0000000000000000", "\(set)")
            }
            #expect(told["Uid"].text == "10001\t10001\t10001\t10001")
            #expect(told["NoNewPrivs"].text == "1" && told["Seccomp"].text == "2")
            #expect(told["su"].text?.contains("0") == false && told["mount"].text != "0" && told["own"].text == "10001")
            for call in ["setuid", "setgid", "setgroups", "chown"] { #expect(told[call].text == "EPERM", "\(call)") }
        }
    }

    @Test("devices are those every program needs, and none is made")
    func attackDevices() throws {
        let harmless: Set = [
            "console", "core", "fd", "full", "null", "ptmx", "pts", "random", "shm", "stderr", "stdin", "stdout", "tty",
            "urandom", "zero",
        ]
        try Victim.with { victims in
            let told = try Attack(name: "devices", facts: try facts(victims)).run()
            #expect(Set(told["there"].texts).isSubset(of: harmless), "\(told["there"].texts)")
            let attempts = told.successes().filter { $0.key.hasPrefix("made ") || $0.key.hasPrefix("opened ") }
            #expect(attempts == [:])
            let options = told["home"].text?.split(separator: ",") ?? []
            #expect(options.contains("nosuid") && options.contains("nodev"))
        }
    }

    @Test("the system's files, settings and temporary places of others are not written")
    func attackSystemTree() throws {
        try Victim.with { victims in
            let told = try Attack(name: "system_tree", facts: try facts(victims)).run()
            // The cookie for its own display is its own too.
            let itsOwn = ["/tmp", "/var/tmp", "/dev/shm", "/run/maxwell/auth"]
            let places = told["writable"].texts.filter { path in
                !itsOwn.contains { path == $0 || path.hasPrefix($0 + "/") }
            }
            #expect(places == [])
            #expect(told.successes("settings", besides: ["ENOENT", "EACCES", "EPERM", "EROFS"]) == [:])
        }
    }

    @Test("processes that fork twice, leave their session and ignore every signal end with the session")
    func attackOutlive() throws {
        try Victim.with { victims in
            let before = try Traces()
            let mark = "\(Int.random(in: 100_000...999_999)).\(Int.random(in: 100_000...999_999))"
            let told = try Attack(name: "outlive", facts: try facts(victims, ["mark": mark])).run()
            #expect(told["left"].number ?? 0 >= 4)
            try before.expectNoMore()
            let left = try Gateway.run(["pgrep", "--full", "--list-full", mark])
            #expect(left.status == 1, "\(left.output)")
        }
    }

    @Test("an application's last words that hold Unicode's line ends do not keep its session from ending")
    func attackLastWords() throws {
        try Gateway.withApplication(
            "attack-words", "",
            command: "printf 'one\\\\342\\\\200\\\\250two\\\\302\\\\205three\\\\342\\\\200\\\\251'; exit 3"
        ) {
            let number = try Gateway.start(app: "attack-words")
            defer { _ = try? Gateway.maxwell("stop", number) }
            try Gateway.eventually("the session has ended") {
                try Gateway.sql("SELECT sessnum FROM session WHERE sessnum = \(number)").isEmpty
            }
            #expect(try Gateway.sql("SELECT exit_status FROM mw_session WHERE sessnum = \(number)") == ["3"])
        }
    }
}
