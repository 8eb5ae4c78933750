import Foundation
import Glibc
import Testing

/// People's homes, what they may have there, and people who have none.
extension EndToEnd {
    struct Quota: Decodable {
        var user: String
        var used: UInt64
        var soft_limit: UInt64
        var hard_limit: UInt64
        var remaining: UInt64
        var enforced: Bool
    }

    private func quota(_ user: String = "alice") throws -> Quota {
        let answer = try Gateway.maxwell("quota", user, "--json")
        guard answer.status == 0 else { throw Missing(description: answer.output) }
        return try JSONDecoder().decode(Quota.self, from: Data(answer.output.utf8))
    }

    /// What the port of the portal's two lines answers to root, or to another account.
    private func portalLine(_ line: String, as caller: String = "root") throws -> String {
        let place = try Gateway.setting("MAXWELL_QUOTA").split(separator: ":")
        guard place.count == 2 else { throw Missing(description: "MAXWELL_QUOTA") }
        // Who is not answered may find the connection ended before the line is written.
        let script = "exec 3<>/dev/tcp/$1/$2; trap '' PIPE; { printf '%s\\n' \"$3\" >&3; cat <&3; } 2>/dev/null"
        return try Gateway.run([
            "setpriv", "--reuid", caller, "--regid", caller, "--init-groups", "bash", "-c", script, "bash",
            String(place[0]), String(place[1]), line,
        ]).output
    }

    private func homes() throws -> URL {
        URL(fileURLWithPath: try Gateway.setting("MAXWELL_ALICE_HOME")).deletingLastPathComponent()
    }

    private func controllersLog() throws -> String {
        try String(contentsOfFile: try Gateway.setting("MAXWELL_STATE") + "/log/maxwelld.log", encoding: .utf8)
    }

    /// Other settings for homes, in their place.
    private func withHomes(_ lines: String, _ body: () throws -> Void) throws {
        try Gateway.withSettings({ text in
            text.replacingOccurrences(
                of: "  measure_every: 10m\n  hard_limit: 0\n  purge: false\n",
                with: "  measure_every: 1s\n" + lines)
        }) {
            try Gateway.awaitHosts()
            try body()
        }
    }

    /// Files of alice's in `folder` of her home, `megabytes` of them, for as long as `body` runs.
    private func withFiles(_ folder: String, megabytes: Int, _ body: () throws -> Void) throws {
        let path = try Gateway.setting("MAXWELL_ALICE_HOME") + "/" + folder
        let made = try Gateway.run([
            "setpriv", "--reuid", "10001", "--regid", "10001", "--clear-groups", "sh", "-c",
            "mkdir -p \"$1\" && head -c $2M /dev/zero >\"$1/zeros\"", "sh", path, "\(megabytes)",
        ])
        guard made.status == 0 else { throw Missing(description: made.output) }
        defer { try? FileManager.default.removeItem(atPath: path) }
        try body()
    }

    @Test("a quota is told to its user, to the portal in two lines, and to nobody else")
    func quotaTold() throws {
        let told = try quota()
        #expect(told.user == "alice" && !told.enforced && told.used > 0 && told.remaining > 0)
        let line = try portalLine("getquota user=alice")
        #expect(line.hasPrefix("space=\(told.used),softspace=0,hardspace=0,remaining=") && line.hasSuffix("\n"))
        #expect(try portalLine("getquota user=nobody-here").isEmpty)
        #expect(try portalLine("sessions").isEmpty)
        #expect(try portalLine("getquota user=alice", as: "www-data").hasPrefix("space=\(told.used),"))
        let table = try Gateway.maxwell("quota", "alice")
        #expect(table.status == 0 && table.output.hasPrefix("USER   ") && table.output.contains("alice"))
        #expect(try Gateway.maxwell("quota").status == 64)
        #expect(try Gateway.maxwell(as: "www-data", ["quota", "alice"]).status == 0)
        for caller in ["daemon", "maxwell-relay"] {
            #expect(try Gateway.maxwell(as: caller, ["quota", "alice"]).status == 77, "\(caller)")
            #expect(try portalLine("getquota user=alice", as: caller).isEmpty, "\(caller)")
        }
    }

    @Test("update_quota answers at once whatever the hosts can, and the log tells why there is no quota")
    func updateQuota() throws {
        let before = try controllersLog()
        for words in [
            ["10001", "1000", "2000"], ["alice", "1000", "2000"], ["10001"], ["99999", "1", "2"],
            ["10001", "99999999999999999999", "1"],
        ] {
            let answer = try Gateway.run(["maxwell", "update_quota"] + words)
            #expect(answer.status == 0 && answer.output == #"{"uid":"\#(words[0])","status":"done"}"# + "\n")
        }
        try Gateway.eventually("the log tells why") {
            let said = try controllersLog().dropFirst(before.count)
            return said.contains("quota not set") && said.contains("quotactl_fd")
                && said.contains("no account has this uid")
        }
    }

    @Test("who is over the limit still gets a session, and reads of it there")
    func overLimit() throws {
        try withFiles("much", megabytes: 3) {
            try withHomes("  hard_limit: 1M\n  purge: false\n") {
                try Gateway.withSession { _ in
                    try Gateway.eventually("a message") {
                        try Gateway.hostParts().contains { $0.name == "xmessage" }
                    }
                }
                #expect(try quota().hard_limit == 1 << 20)
                // This one is told in its order, or when its own host has looked.
                try Gateway.withSession { _ in
                    try Gateway.eventually("a message") {
                        try Gateway.hostParts().contains { $0.name == "xmessage" }
                    }
                }
                try Gateway.eventually("it is gone") {
                    try !Gateway.hostParts().contains { $0.name == "xmessage" }
                }
            }
        }
    }

    @Test("a purge is refused unless the settings allow it; then results that nobody needs any more go")
    func purge() throws {
        try withFiles("data/results/4000000000", megabytes: 1) {
            let folder = try homes().appendingPathComponent("alice/data/results/4000000000").path
            let refused = try portalLine("purge user=alice,degree=all ")
            #expect(refused.contains("homes.purge"))
            #expect(FileManager.default.fileExists(atPath: folder))
            try withHomes("  hard_limit: 0\n  purge: true\n") {
                let recent = try portalLine("purge user=alice,degree=olderthan1 ")
                #expect(recent == "Success.\n" && FileManager.default.fileExists(atPath: folder))
                let stranger = try portalLine("purge user=alice,degree=all ", as: "maxwell-relay")
                #expect(stranger.isEmpty && FileManager.default.fileExists(atPath: folder))
                let all = try portalLine("purge user=alice,degree=all ")
                #expect(all == "Success.\n")
                #expect(!FileManager.default.fileExists(atPath: folder))
            }
        }
    }

    @Test("a person whose entry names no home gets one below the root, with their first session")
    func homeless() throws {
        let entry = "dn: uid=nomad,ou=people,\(Slapd.base)\nchangetype: "
        try Slapd.change(
            entry + """
                add
                objectClass: inetOrgPerson
                objectClass: extensibleObject
                uid: nomad
                cn: nomad
                sn: nomad
                uidNumber: 10777
                gidNumber: 10777
                """)
        let home = try homes().appendingPathComponent("nomad").path
        defer {
            do { try Slapd.change(entry + "delete") } catch { Issue.record(error) }
            try? FileManager.default.removeItem(atPath: home)
        }
        for _ in 0..<2 { try Gateway.withSession(user: "nomad") { _ in } }
        let about = try FileManager.default.attributesOfItem(atPath: home)
        #expect(about[.ownerAccountID] as? Int == 10777 && about[.posixPermissions] as? Int == 0o700)
    }

    @Test("people without a uid are lent one each, which nobody else gets before it is clean")
    func visitors() throws {
        let names = ["visitor1", "visitor2"]
        for name in names {
            try Slapd.change(
                """
                dn: uid=\(name),ou=people,\(Slapd.base)
                changetype: add
                objectClass: inetOrgPerson
                uid: \(name)
                cn: \(name)
                sn: \(name)
                """)
        }
        defer {
            for name in names {
                do { try Slapd.change("dn: uid=\(name),ou=people,\(Slapd.base)\nchangetype: delete") } catch {
                    Issue.record(error)
                }
            }
        }
        func lent(_ name: String) throws -> String {
            guard let uid = try Gateway.sql("SELECT uid FROM mw_shadow WHERE owner = '\(name)'").first else {
                throw Missing(description: "\(name) has no uid")
            }
            return uid
        }
        var uids: [String] = []
        // A process that ignores every signal stays on the host only as long as its uid is somebody's.
        let secret = "sh -c 'trap : HUP TERM INT; echo $USER $(id -u) >$HOME/secret; setsid sleep 100000 & exec xterm'"
        try Gateway.withApplication("keeper", "", command: secret) {
            let first = try Gateway.start(user: "visitor1", app: "keeper")
            let second = try Gateway.start(user: "visitor1", app: "keeper")
            let other = try Gateway.start(user: "visitor2", app: "keeper")
            uids = try names.map(lent)
            #expect(Set(uids).count == 2)
            for (name, uid) in zip(names, uids) {
                let home = try homes().appendingPathComponent(".shadow/\(uid)")
                try Gateway.eventually("its file") {
                    (try? String(contentsOf: home.appendingPathComponent("secret"), encoding: .utf8))
                        == "\(name) \(uid)\n"
                }
                let about = try FileManager.default.attributesOfItem(atPath: home.path)
                #expect(about[.ownerAccountID] as? Int == Int(uid) && about[.posixPermissions] as? Int == 0o700)
            }
            _ = try Gateway.maxwell("stop", first)
            // Older than any start takes.
            _ = try Gateway.sql("UPDATE mw_shadow SET since = since - INTERVAL 1 HOUR")
            #expect(try lent("visitor1") == uids[0])
            for number in [second, other] { _ = try Gateway.maxwell("stop", number) }
        }
        _ = try Gateway.sql("UPDATE mw_shadow SET since = since - INTERVAL 1 HOUR")
        try Gateway.eventually("both are clean", within: .seconds(60)) {
            try Gateway.sql("SELECT uid FROM mw_shadow WHERE state <> 'free'").isEmpty
        }
        for uid in uids {
            let home = try homes().appendingPathComponent(".shadow/\(uid)").path
            #expect(!FileManager.default.fileExists(atPath: home))
            #expect(try Gateway.run(["pgrep", "-u", uid]).output.isEmpty)
        }
        #expect(try Gateway.sql("SELECT COUNT(*) FROM mw_shadow_host") == ["0"])
    }
}
