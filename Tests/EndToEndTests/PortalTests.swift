import Foundation
import Testing
import ViewClient

extension EndToEnd {
    /// What a portal's page made of an answer; Tests/ContractTests/Fixtures/portal.php says how.
    private struct Understanding: Decodable {
        var raw: String
        var status: Int32
        var error: String?
        var success: Bool
        var session: String?
        var viewers: [String: [String: String]]?

        var text: String { String(decoding: Data(base64Encoded: raw) ?? Data(), as: UTF8.self) }
    }

    /// Runs `lines` one after another as a portal's page does: php as www-data, the wrapper of deploy/, the installed
    /// program.
    private func asPortal(_ body: ((String) throws -> Understanding) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("mw-portal-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let program = try Gateway.data.appendingPathComponent("bin/maxwell").path
        let wrapper = folder.appendingPathComponent("mw")
        let page = folder.appendingPathComponent("portal.php")
        try String(contentsOf: Gateway.checkout.appendingPathComponent("deploy/mw"), encoding: .utf8)
            .replacingOccurrences(of: "/usr/bin/maxwell", with: program)
            .write(to: wrapper, atomically: true, encoding: .utf8)
        try FileManager.default.copyItem(
            at: Gateway.checkout.appendingPathComponent("Tests/ContractTests/Fixtures/portal.php"), to: page)
        for path in [folder.path, wrapper.path, page.path] { #expect(chmod(path, 0o755) == 0) }
        let socket = try Gateway.setting("MAXWELL_SOCKET")
        try body { line in
            let answer = try Gateway.run([
                "setpriv", "--reuid", "www-data", "--regid", "www-data", "--clear-groups", "env", "-i",
                "PATH=/usr/bin:/bin", "MAXWELL_SOCKET=\(socket)", "php", "-n", page.path, wrapper.path, "site", line,
            ])
            return try JSONDecoder().decode(Understanding.self, from: Data(answer.output.utf8))
        }
    }

    @Test("a portal's page starts, shows and stops a session, and understands every refusal")
    func portalPage() throws {
        try asPortal { run in
            let started = try run(
                "start user=alice ip=192.0.2.7 app=xterm version=1 params=file%28x%29%3A~%2Fa%20b dbname=hub")
            #expect(started.success && started.error == nil, "\(started.text)")
            let number = try #require(started.session)
            #expect(started.text == "Session is \(number)\n")
            let home = try Gateway.setting("MAXWELL_ALICE_HOME")
            let resources = try String(contentsOfFile: "\(home)/data/sessions/\(number)/resources", encoding: .utf8)
            #expect(resources.contains("sessionid \(number)\n") && resources.contains("version 1\n"))
            let shown = try run("view user=alice ip=192.0.2.7 sess=\(number)")
            #expect(shown.success && shown.status == 0, "\(shown.text)")
            let token = try #require(shown.viewers?["novnc"]?["token"])
            let password = try Gateway.password(of: try #require(shown.viewers?["java"]?["ENCPASSWORD"]))
            for way in [WayIn.webSocketBinary, .webSocketBase64, .connectInClear] {
                let viewer = try Gateway.viewer(token: token, by: way, password: password)
                #expect(try viewer.frame { $0.distinctColours > 1 }.distinctColours > 1)
                viewer.close()
            }
            let stopped = try run("stop \(number)")
            #expect(stopped.success && stopped.status == 0, "\(stopped.text)")
            for line in [
                "start user=nobody-here ip=192.0.2.7 app=xterm version=1",
                "start user=alice ip=192.0.2.7 app=no-such-app version=1",
                "view user=bob ip=192.0.2.7 sess=\(number)", "stop 12 user=bob", "stop \(number)",
            ] {
                let refused = try run(line)
                #expect(refused.status != 0 && !refused.success && refused.session == nil, "\(refused.text)")
                let sentence = try #require(refused.error)
                #expect(refused.text == sentence + "\n")
            }
            for word in ["create_userhome 'alice'", "update_quota '10001' '1000' '2000'", "screenshot alice"] {
                #expect(try run(word).status == 0, "\(word)")
            }
        }
    }

    @Test("screenshot writes a picture that its user owns, into each session's folder")
    func screenshot() throws {
        try Gateway.withSession { number in
            let file = try Gateway.setting("MAXWELL_ALICE_HOME") + "/data/sessions/\(number)/screenshot.png"
            #expect(try Gateway.maxwell("screenshot", "alice").status == 0)
            let picture = try Data(contentsOf: URL(fileURLWithPath: file))
            #expect(picture.prefix(8) == Data([0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]))
            let owner = try FileManager.default.attributesOfItem(atPath: file)[.ownerAccountID] as? Int
            #expect(owner == 10001)
        }
    }

    @Test("a stranger without an account's rights may see no session of others and start none")
    func stranger() throws {
        try Gateway.withSession { number in
            let started = try Gateway.maxwell(
                as: "games", ["start", "user=alice", "ip=127.0.0.1", "app=xterm", "version=1"])
            #expect(started.status == 77, "\(started.output)")
            for words in [["view", "ip=127.0.0.1", "sess=\(number)"], ["stop", number], ["ticket", number]] {
                let answer = try Gateway.maxwell(as: "games", words)
                #expect(answer.status == 77, "\(answer.output)")
            }
            let listed = try Gateway.maxwell(as: "games", ["sessions", "--json"])
            #expect(listed.status == 0 && !listed.output.contains("alice"), "\(listed.output)")
        }
    }
}
