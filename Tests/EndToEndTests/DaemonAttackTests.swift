import Foundation
import Testing

/// What somebody can do who has taken over one of the daemons: its account, and every word of the protocols.
extension EndToEnd {
    /// Runs attacks.py as an account of this machine, in the mounts of `host` where one is named.
    private func attack(as account: String, _ facts: [String: Any], in host: String? = nil) throws -> Told {
        let folder = URL(fileURLWithPath: NSTemporaryDirectory()).appendingPathComponent("mwa-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
        defer { try? FileManager.default.removeItem(at: folder) }
        let program = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("attacks.py")
        let all: [String: Any] = ["files": [], "folders": [], "sockets": [], "asks": [:], "processes": []]
        let text = try JSONSerialization.data(withJSONObject: all.merging(facts) { $1 })
        try Data(contentsOf: program).write(to: folder.appendingPathComponent("attacks.py"))
        try text.write(to: folder.appendingPathComponent("facts.json"))
        for name in ["", "attacks.py", "facts.json"] {
            guard chmod(folder.appendingPathComponent(name).path, 0o755) == 0 else {
                throw Missing(description: "chmod")
            }
        }
        let groups = UInt32(account) == nil ? "--init-groups" : "--clear-groups"
        var words = ["setpriv", "--reuid", account, "--regid", account, groups, "env", "HOME=/nonexistent"]
        if let host {
            // The host's own /tmp: what is to run there comes by the whole machine's eyes.
            words = ["nsenter", "--mount", "--target", "\(try Gateway.process(host))"] + words
        }
        let place = host == nil ? folder.path : try shared(folder)
        defer { if host != nil { try? FileManager.default.removeItem(atPath: place) } }
        let answer = try Gateway.run(words + ["python3", place + "/attacks.py", "daemon", place + "/facts.json"])
        guard let line = answer.output.split(separator: "\n").last else { throw Missing(description: "\(answer)") }
        return try JSONDecoder().decode(Told.self, from: Data(line.utf8))
    }

    /// A copy where the hosts see it too, in the quick start's own folder.
    private func shared(_ folder: URL) throws -> String {
        let copy = try Gateway.data.appendingPathComponent("bin/\(folder.lastPathComponent)")
        try FileManager.default.copyItem(at: folder, to: copy)
        return copy.path
    }

    /// Everything secret that the gateway's parts keep on this machine.
    private func secrets() throws -> (files: [String], folders: [String], sockets: [String]) {
        let data = try Gateway.data.path
        let run = try Gateway.recorded("run")
        let links = "\(run)/c/links"
        return (
            ["database", "ldap", "alice", "bob"].map { "\(data)/secrets/\($0)" } + [
                "\(data)/controller/ssh/id_ed25519", "\(data)/tls/ldap.key", "\(data)/admin/id_ed25519",
                "\(links)/exec1.pin", "\(links)/exec2.pin",
                try Gateway.setting("MAXWELL_STATE") + "/env",
            ],
            ["\(data)/controller", "\(data)/controller/ssh", "\(data)/admin", "\(data)/homes/alice"],
            ["exec1", "exec2"].flatMap { host in ["", "1", "2", "3"].map { "\(links)/\(host).ctl\($0)" } }
        )
    }

    /// A line for the data socket.
    private func opening(_ display: Int, _ key: String) -> String { "RFB \(display) \(key)\n" }

    @Test("as the relay: a display that was not resolved for it is not reached, and no other socket or secret is")
    func attackAsRelay() throws {
        try Victim.with { victims in
            try Gateway.withSession { own in
                let row = try Gateway.sql(
                    "SELECT hostname, dispnum, link_key FROM mw_display WHERE sessnum = \(own)"
                ).joined().split(separator: "\t").map(String.init)
                let links = "\(try Gateway.recorded("run"))/c/links"
                var asks: [String: [String]] = [
                    "own": ["\(links)/\(row[0]).data", opening(Int(row[1]) ?? 0, row[2])]
                ]
                for victim in victims {
                    let socket = "\(links)/\(victim.host).data"
                    let other = victims.first { $0.host != victim.host }
                    for (name, key) in [
                        ("another's key", row[2]), ("no key", String(repeating: "0", count: 32)),
                        ("a shorter key", String(victim.key.dropLast())), ("two keys", "\(victim.key) \(row[2])"),
                        ("the other host's key", other?.key ?? ""), ("a path", "../\(victim.display)/x"),
                    ] { asks["\(victim.host): \(name)"] = [socket, opening(victim.display, key)] }
                    asks["\(victim.host): keeper"] = [socket, #"{"id":1,"request":{"inventory":{}}}"# + "\n"]
                    asks["\(victim.host): no display"] = [socket, "RFB ../../../etc/passwd \(victim.key)\n"]
                    asks["\(victim.host): too long"] = [socket, String(repeating: "R", count: 5000) + "\n"]
                }
                let kept = try secrets()
                let told = try attack(
                    as: "maxwell-relay",
                    [
                        "files": kept.files, "folders": kept.folders, "sockets": kept.sockets, "asks": asks,
                        "processes": [try Gateway.process("maxwelld"), try Gateway.process("mariadb"), getpid()],
                    ])
                let answers = told["asked"].object.compactMapValues(\.text)
                #expect(answers["own"]?.hasPrefix("OK\n") ?? false, "the attack works with the right key")
                let others = answers.filter { $0.key != "own" }
                #expect(others.count == asks.count - 1 && others.values.allSatisfy { $0.hasPrefix("NO ") }, "\(others)")
                for kind in ["files", "folders", "sockets", "processes"] {
                    #expect(told.successes(kind) == [:], "\(kind)")
                }
            }
        }
    }

    @Test("as the relay's, the page server's or a user's account on an execution host: its sockets are closed to it")
    func attackOnHost() throws {
        try Victim.with { victims in
            for victim in victims {
                let folder = "/run/maxwell/displays/\(victim.display)"
                let sockets =
                    ["/run/maxwell/data.sock"] + ["x/rfb", "keep.sock", "door.sock"].map { "\(folder)/\($0)" }
                let files = ["x/auth", "x/passwd", "state", "xvnc.log"].map { "\(folder)/\($0)" }
                for account in ["maxwell-relay", "maxwell-web", "maxwell", "10001", "10002"] {
                    let told = try attack(
                        as: account,
                        [
                            "files": files + ["/run/maxwell/host.log", "/run/maxwell/boot-id"],
                            "folders": [folder, folder + "/x", "/run/maxwell/displays", "/run/maxwell/ended"],
                            "sockets": sockets,
                        ], in: victim.host)
                    for kind in ["files", "folders", "sockets"] {
                        #expect(told.successes(kind) == [:], "\(account) on \(victim.host): \(kind)")
                    }
                }
            }
        }
    }

    @Test("as the relay or the page server: of the controller's words only their own few are heard")
    func attackController() throws {
        try Victim.with { victims in
            let number = victims[0].number
            let words = [
                ["start", "user=alice", "ip=127.0.0.1", "app=xterm", "version=1"],
                ["view", "ip=127.0.0.1", "sess=\(number)"],
                ["view", "user=bob", "ip=127.0.0.1", "sess=\(number)"], ["stop", number],
                ["stop", number, "--in", "60"],
                ["check", "exec1"], ["check", "exec1", "yes"], ["create_userhome", "alice"],
                ["update_quota", "10001", "1", "1"], ["screenshot", "bob"], ["sessions"], ["sessions", "user=bob"],
                ["why", number], ["hosts"], ["apps"], ["ticket", number], ["counters"], ["reap"],
                ["reap", "--dry-run"],
                ["extend", number], ["host", "down", "exec1"], ["host", "drain", "exec1"], ["host", "up", "exec1"],
            ]
            let before = try Gateway.sql("SELECT (SELECT COUNT(*) FROM session), (SELECT SUM(uses) FROM host)")
            for account in ["maxwell-relay", "maxwell-web"] {
                for word in words {
                    let answer = try Gateway.maxwell(as: account, word)
                    #expect(answer.status == 77, "\(account): \(word): \(answer)")
                    #expect(answer.output == "Your account may not ask for that; please ask an administrator.\n")
                }
            }
            #expect(try Gateway.sql("SELECT (SELECT COUNT(*) FROM session), (SELECT SUM(uses) FROM host)") == before)
        }
    }

    @Test("as the page server or a person: a token is not resolved, a view not opened, and none ended")
    func attackResolve() throws {
        try Victim.with { victims in
            let ticket = try Gateway.ticket(victims[0].number).ticket
            let socket = try Gateway.setting("MAXWELL_SOCKET")
            let bodies: [String: String] = [
                "resolve": #"{"_0":{"token":"\#(ticket)","address":"","way":"websocket","relay":"x"}}"#,
                "enter": #"{"_0":{"name":"bob","password":"x","address":"","relay":"x"}}"#,
                "withdrawn": #"{"relay":"x"}"#, "viewOpened": #"{"_0":{"view":1,"began":0}}"#,
                "viewBeats":
                    #"{"_0":{"name":"x","instance":"x","views":[],"isLeaving":false,"predecessors":[],"figures":{}}}"#,
                "viewClosed": #"{"_0":{"view":1,"seconds":0,"bytesToViewer":0,"bytesFromViewer":0,"cause":""}}"#,
                "counters": "{}", "hostKey": "{}",
            ]
            let asks = bodies.map { name, body in
                (name, [socket, #"{"id":1,"body":{"\#(name)":\#(body)}}"# + "\n"])
            }
            for account in ["maxwell-web", "daemon"] {
                let told = try attack(as: account, ["asks": Dictionary(uniqueKeysWithValues: asks)])
                let answers = told["asked"].object.compactMapValues(\.text)
                #expect(answers.count == bodies.count)
                for (name, answer) in answers {
                    #expect(
                        answer.contains(#""refused""#) && answer.contains("may not ask for that"), "\(name): \(answer)")
                }
            }
        }
    }
}
