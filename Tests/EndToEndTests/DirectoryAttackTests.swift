import Foundation
import Testing

/// What a user prepares in the home for the moment when the gateway comes there as root, or as the user.
extension EndToEnd {
    /// Runs `body` with alice's directory of sessions out of the way, and puts it back.
    private func withoutSessionsFolder(_ body: (URL) throws -> Void) throws {
        let sessions = try Attack.home(of: "alice").appendingPathComponent("data/sessions")
        let away = sessions.deletingLastPathComponent().appendingPathComponent("sessions-\(UUID().uuidString)")
        try FileManager.default.moveItem(at: sessions, to: away)
        defer {
            try? FileManager.default.removeItem(at: sessions)
            do { try FileManager.default.moveItem(at: away, to: sessions) } catch { Issue.record(error) }
        }
        try body(sessions)
    }

    /// Every file below a folder, with its owner, mode and size.
    private func inventory(of folder: String) throws -> String {
        let answer = try Gateway.run(["find", folder, "-printf", "%p %U %m %s %l\\n"])
        guard answer.status == 0 else { throw Missing(description: answer.output) }
        // What is typed in bob's own sessions is his.
        return answer.output.split(separator: "\n").filter { !$0.contains("/.bash_history ") }.joined(separator: "\n")
    }

    /// A start of alice's with whatever `prepare` puts in the place of her directory of sessions, or into it: it is answered in
    /// time, nobody else notices, and nothing is left.
    private func attackDirectory(_ prepare: (URL) throws -> Void) throws {
        let traces = try Traces()
        try withoutSessionsFolder { sessions in
            try prepare(sessions)
            _ = try Gateway.run(["chown", "-R", "--no-dereference", "10001:10001", sessions.path])
            let began = ContinuousClock.now
            let number = try Gateway.attempt()
            #expect(ContinuousClock.now - began < .seconds(30))
            try Gateway.withSession(user: "bob") { _ in }
            if let number { _ = try Gateway.maxwell("stop", number) }
            try traces.expectNoMore()
        }
    }

    @Test("a directory of sessions that leads into another home or into the system brings nothing there")
    func attackSessionsLink() throws {
        let bob = try Attack.home(of: "bob").path
        let folders = ["/etc", "/run/maxwell", "/dev/shm"]
        // What bob's own sessions leave in his home is his.
        let look = {
            try inventory(of: bob).split(separator: "\n").filter {
                !$0.contains("/bob/data") && !$0.hasPrefix(bob + " ")
            }.map(String.init)
                + (try folders.map { try Gateway.inside("exec1", "find", $0, "-maxdepth", "1") })
        }
        let before = try look()
        try Victim.with { _ in
            for target in ["/home/bob", bob, "/home/bob/data/sessions"] + folders {
                try attackDirectory {
                    try FileManager.default.createSymbolicLink(atPath: $0.path, withDestinationPath: target)
                }
            }
        }
        let after = try look()
        #expect(after == before, "\(after.filter { !before.contains($0) }) \(before.filter { !after.contains($0) })")
    }

    /// Where a link in the place of alice's home may lead: her own files too are elsewhere than the directory says.
    enum LinkedHome: String, CaseIterable {
        case ownFolder, anothersHome, system
    }

    @Test(
        "a home that is a link is refused, wherever it leads, and nothing is written there",
        arguments: LinkedHome.allCases)
    func attackHomeLink(place: LinkedHome) throws {
        let (home, bob) = (try Attack.home(of: "alice"), try Attack.home(of: "bob"))
        let away = home.deletingLastPathComponent().appendingPathComponent("alice-\(UUID().uuidString)")
        // As the hosts see it.
        let target =
            switch place {
            case .ownFolder: "/home/\(away.lastPathComponent)"
            case .anothersHome: "/home/bob"
            case .system: "/etc"
            }
        func look() throws -> [String] {
            try [away.path, bob.path].map { try inventory(of: $0) }
                + ["exec1", "exec2"].map { try Gateway.inside($0, "find", "/etc", "-printf", "%p %U %m %s %l\\n") }
        }
        // What earlier sessions had is gone: they write nothing any more either.
        try Gateway.awaitReady()
        try FileManager.default.moveItem(at: home, to: away)
        defer {
            try? FileManager.default.removeItem(at: home)
            do { try FileManager.default.moveItem(at: away, to: home) } catch { Issue.record(error) }
        }
        try FileManager.default.createSymbolicLink(atPath: home.path, withDestinationPath: target)
        let before = try look()
        try refusedStart(69, saying: "Your home folder is not available")
        #expect(try look() == before, "something was written to \(target)")
    }

    @Test(
        "pipes, links and folders in the place of a session's files hold nobody up, and nothing is written through them",
        arguments: ["app.log", "resources", "parameters.hz"])
    func attackSessionFiles(name: String) throws {
        let target = try Attack.home(of: "bob").appendingPathComponent("target")
        try Data("bob's".utf8).write(to: target)
        #expect(chmod(target.path, 0o666) == 0)
        defer { try? FileManager.default.removeItem(at: target) }
        try Victim.with { _ in
            for kind in ["pipe", "link", "folder"] {
                try attackDirectory { sessions in
                    // The number of the next session is no secret.
                    let last = try Gateway.lastSession()
                    for number in (last + 1)...(last + 10) {
                        let folder = sessions.appendingPathComponent("\(number)")
                        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
                        let file = folder.appendingPathComponent(name)
                        switch kind {
                        case "pipe": #expect(mkfifo(file.path, 0o666) == 0)
                        case "link":
                            try FileManager.default.createSymbolicLink(at: file, withDestinationURL: target)
                        default: try FileManager.default.createDirectory(at: file, withIntermediateDirectories: false)
                        }
                    }
                }
            }
        }
        #expect(try String(contentsOf: target, encoding: .utf8) == "bob's")
    }

    @Test("a session's directory that became a link when the session ends leads nobody astray")
    func attackOwnDirectory() throws {
        let bob = try Attack.home(of: "bob")
        let before = try inventory(of: bob.path)
        let told = try Attack(name: "own_directory", facts: ["target": "/home/bob"]).run()
        #expect(told["target"].text == "ENOENT")
        #expect(try inventory(of: bob.path) == before)
    }
}
