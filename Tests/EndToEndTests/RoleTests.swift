import Foundation
import Testing

/// An account of this machine that a test made; the directory knows nothing of it.
private struct LocalAccount {
    let name: String

    /// Lets `body` use a new account, a member of the group `name` of its own and of `groups`.
    static func with(_ name: String, groups: [String] = [], _ body: (LocalAccount) throws -> Void) throws {
        let member = groups.isEmpty ? [] : ["--groups", groups.joined(separator: ",")]
        try must(
            ["useradd", "--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent"]
                + ["--shell", "/usr/sbin/nologin"] + member + [name])
        defer {
            do { try must(["userdel", name]) } catch { Issue.record(error) }
        }
        try body(LocalAccount(name: name))
    }

    /// A new group for as long as `body` runs.
    static func withGroup(_ name: String, _ body: () throws -> Void) throws {
        try must(["groupadd", "--system", name])
        defer {
            do { try must(["groupdel", name]) } catch { Issue.record(error) }
        }
        try body()
    }

    static func must(_ words: [String]) throws {
        let answer = try Gateway.run(words)
        guard answer.status == 0 else { throw Missing(description: "\(words[0]): \(answer.output)") }
    }

    func maxwell(_ words: String...) throws -> Answer { try Gateway.maxwell(as: name, words) }

    /// Expects that the account is told, in one sentence, that it may not.
    func isRefused(_ words: String..., sourceLocation: SourceLocation = #_sourceLocation) throws {
        let answer = try Gateway.maxwell(as: name, words)
        #expect(answer.status == 77, "\(words): \(answer.output)", sourceLocation: sourceLocation)
        #expect(
            answer.output == "Your account may not ask for that; please ask an administrator.\n",
            sourceLocation: sourceLocation)
    }
}

extension EndToEnd {
    /// A name that no other account has.
    private func freshName() -> String { "mwt" + UUID().uuidString.prefix(8).lowercased() }

    @Test("a member of the administrators' group may ask what people ask, of everyone, and not speak as the portal")
    func administrator() throws {
        let group = freshName()
        try LocalAccount.withGroup(group) {
            try LocalAccount.with(freshName(), groups: [group]) { member in
                try Gateway.withSettings({
                    $0.replacingOccurrences(of: "controller:\n", with: "controller:\n  admin_group: \(group)\n")
                }) {
                    try Gateway.awaitHosts()
                    try asAdministrator(member)
                    // What counts is the group as it stands now.
                    try LocalAccount.must(["gpasswd", "--delete", member.name, group])
                    try member.isRefused("hosts")
                    let sessions = try member.maxwell("sessions", "--json")
                    #expect(sessions.status == 0 && !sessions.output.contains("alice"), "\(sessions.output)")
                }
            }
        }
    }

    private func asAdministrator(_ member: LocalAccount) throws {
        let number = try Gateway.start()
        defer { _ = try? Gateway.maxwell("stop", number) }
        let hosts = try member.maxwell("hosts")
        #expect(hosts.status == 0 && hosts.output.contains("exec1") && hosts.output.contains("exec2"), "\(hosts)")
        let apps = try member.maxwell("apps")
        #expect(apps.status == 0 && apps.output.contains("xterm"), "\(apps.output)")
        let sessions = try member.maxwell("sessions", "--json")
        #expect(sessions.status == 0 && sessions.output.contains("\"alice\""), "\(sessions.output)")
        defer { _ = try? Gateway.maxwell("host", "up", "exec1") }
        let down = try member.maxwell("host", "down", "exec1")
        #expect(down.status == 0, "\(down.output)")
        #expect(try Gateway.sql("SELECT status FROM host WHERE hostname = 'exec1'") == ["down"])
        let up = try member.maxwell("host", "up", "exec1")
        #expect(up.status == 0, "\(up.output)")

        let before = try Gateway.sql("SELECT COUNT(*) FROM session")
        try member.isRefused("start", "user=alice", "ip=127.0.0.1", "app=xterm", "version=1")
        try member.isRefused("create_userhome", "alice")
        try member.isRefused("screenshot", "alice")
        try member.isRefused("check", "exec1", "yes")
        try member.isRefused("counters")
        #expect(try Gateway.sql("SELECT COUNT(*) FROM session") == before)

        let stopped = try member.maxwell("stop", number)
        #expect(stopped.status == 0, "\(stopped.output)")
        #expect(try Gateway.sql("SELECT sessnum FROM session WHERE sessnum = \(number)").isEmpty)
    }

    @Test("who is nobody in particular is refused in one sentence, and so is who has no name at all")
    func anyone() throws {
        try LocalAccount.with(freshName()) { stranger in
            for caller in [stranger, LocalAccount(name: "54321")] {
                try caller.isRefused("start", "user=alice", "ip=127.0.0.1", "app=xterm", "version=1")
                try caller.isRefused("start", "user=\(caller.name)", "ip=127.0.0.1", "app=xterm", "version=1")
                for word in ["hosts", "apps", "counters"] { try caller.isRefused(word) }
                try caller.isRefused("host", "up", "exec1")
                try caller.isRefused("create_userhome", "alice")
                try caller.isRefused("sessions", "user=alice")
            }
            #expect(try stranger.maxwell("sessions").status == 0)
            try LocalAccount(name: "54321").isRefused("sessions")
        }
    }

    @Test("a person sees and stops their own session by themselves, and nobody else's")
    func owner() throws {
        let name = freshName()
        let home = try Gateway.data.appendingPathComponent("homes/\(name)")
        try Slapd.withPerson(name, uid: 10099) {
            defer { try? FileManager.default.removeItem(at: home) }
            #expect(try Gateway.maxwell("create_userhome", name).status == 0)
            try LocalAccount.with(name) { person in
                try Gateway.withSession { others in
                    try Gateway.withSession(user: name) { own in
                        let listed = try person.maxwell("sessions", "--json")
                        #expect(listed.output.contains("\"\(name)\"") && !listed.output.contains("alice"), "\(listed)")
                        #expect(try person.maxwell("view", "ip=127.0.0.1", "sess=\(own)").status == 0)
                        #expect(try person.maxwell("view", "ip=127.0.0.1", "sess=\(others)").status == 77)
                        #expect(try person.maxwell("stop", others).status == 77)
                        #expect(try person.maxwell("stop", own).status == 0)
                        let left = try Gateway.sql("SELECT sessnum FROM session WHERE sessnum IN (\(own), \(others))")
                        #expect(left == [others])
                    }
                }
            }
        }
    }
}
