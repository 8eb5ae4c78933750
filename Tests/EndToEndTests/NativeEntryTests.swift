import Foundation
import Testing
import ViewClient

/// Names and passwords of native viewers, asked as the relay asks.
extension EndToEnd {
    /// What the controller answers the relay's account.
    private func enter(_ name: String, _ password: String, from address: String = "192.0.2.1") throws -> [String: Any] {
        let order = ["name": name, "password": password, "address": address, "relay": "a test"]
        let line = try JSONSerialization.data(withJSONObject: ["id": 1, "body": ["enter": ["_0": order]]])
        let answer = try Gateway.run([
            "setpriv", "--reuid", "maxwell-relay", "--regid", "maxwell-relay", "--clear-groups", "/usr/bin/python3",
            "-c",
            """
            import socket, sys
            controller = socket.socket(socket.AF_UNIX)
            controller.connect(sys.argv[2])
            controller.sendall(sys.argv[1].encode() + b"\\n")
            print(controller.makefile().readline())
            """,
            String(decoding: line, as: UTF8.self), try Gateway.setting("MAXWELL_SOCKET"),
        ])
        let object = try JSONSerialization.jsonObject(with: Data(answer.output.utf8)) as? [String: Any]
        guard let body = object?["body"] as? [String: Any] else { throw Missing(description: answer.output) }
        return body
    }

    /// The session that a name and a password lead to, and what may be done there.
    private func entered(_ name: String, _ password: String) throws -> [String] {
        let answer = try enter(name, password, from: "192.0.2.\(Int.random(in: 2...250))")
        guard let route = (answer["route"] as? [String: Any])?["_0"] as? [String: Any],
            let session = route["session"] as? Int, let mode = route["mode"] as? String,
            let view = route["view"] as? Int
        else { throw Missing(description: "\(answer)") }
        #expect((route["authentication"] as? [String: Any])?["relay"] != nil)
        #expect(try Gateway.sql("SELECT relay FROM mw_view WHERE viewid = \(view)") == ["a test"])
        _ = try Gateway.sql("DELETE FROM mw_view WHERE viewid = \(view)")
        return ["\(session)", mode]
    }

    private func refused(_ name: String, _ password: String, from address: String) throws -> String {
        let answer = try enter(name, password, from: address)
        guard let refusal = (answer["refused"] as? [String: Any])?["_0"] as? [String: Any],
            let sentence = refusal["userMessage"] as? String
        else { throw Missing(description: "\(answer)") }
        return sentence
    }

    @Test("a name and the directory's password lead to the newest session, or to the one that is named")
    func nameAndPassword() throws {
        let password = try Gateway.setting("MAXWELL_ALICE_PASSWORD")
        try Gateway.withSession { first in
            try Gateway.withSession { second in
                #expect(try entered("alice", password) == [second, "act"])
                #expect(try entered("alice+\(first)", password) == [first, "act"])
                let bobs = try Gateway.setting("MAXWELL_BOB_PASSWORD")
                let wrong = "The name or password is wrong; please try again."
                #expect(try refused("bob+\(first)", bobs, from: "192.0.2.1") == wrong)
                #expect(
                    try refused("bob", bobs, from: "192.0.2.1")
                        == "You have no running session; please start one first.")
                _ = try share(first, readOnly: "Yes")
                #expect(try entered("bob+\(first)", bobs) == [first, "watch"])
                for (index, (name, word)) in [
                    ("alice", bobs), ("alice", ""), ("nobody-of-that-name", password), ("alice+", password),
                    ("*)(uid=alice", password), ("", ""), ("alice+4000000000", password),
                ].enumerated() {
                    #expect(try refused(name, word, from: "198.51.100.\(index)") == wrong, "\(name)")
                }
                // Two wrong ones are forgiven.
                #expect(try entered("alice", password) == [second, "act"])
            }
        }
    }

    @Test("a ticket serves in the password's place, once where it is for one connection, and only for its person")
    func ticketAsPassword() throws {
        try Gateway.withSession { first in
            try Gateway.withSession { _ in
                let ticket = try Gateway.ticket(first, "--once").ticket
                #expect(
                    try refused("bob", ticket, from: "203.0.113.1")
                        == "The name or password is wrong; please try again.")
                #expect(try entered("alice", ticket) == [first, "act"])
                #expect(
                    try refused("alice", ticket, from: "203.0.113.2")
                        == "The name or password is wrong; please try again.")
                let watching = try Gateway.ticket(first, "--read-only").ticket
                #expect(try entered("alice+\(first)", watching) == [first, "watch"])
            }
        }
    }

    @Test("a locked account's right password is wrong, and without the directory nothing is said of passwords")
    func directoryAway() throws {
        let password = try Gateway.setting("MAXWELL_BOB_PASSWORD")
        try Slapd.with("pwdAccountLockedTime", "000001010000Z", of: "bob") {
            let told = try refused("bob", password, from: "203.0.113.10")
            #expect(told == "The name or password is wrong; please try again.")
        }
        kill(try Gateway.process("slapd"), SIGSTOP)
        defer { kill((try? Gateway.process("slapd")) ?? 0, SIGCONT) }
        #expect(
            try refused("bob", password, from: "203.0.113.11")
                == "Passwords cannot be checked now; please try again in a minute.")
    }
}
