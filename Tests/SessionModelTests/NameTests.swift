import SessionModel
import Testing

@Suite("Names and numbers") struct NameTests {
    @Test(
        "a session is exactly digits",
        arguments: ["", "0", "-1", "+1", " 1", "1 ", "1a", "0x1", "4294967296", "12 user=bob", "１"])
    func notASession(text: String) {
        #expect(throws: MalformedName.self) { try SessionNumber(parsing: text) }
    }

    @Test("digits are a session") func session() throws {
        #expect(try SessionNumber(parsing: "0042").value == 42)
        #expect(try SessionNumber(parsing: "4294967295").value == 4_294_967_295)
    }

    @Test(
        "what could mean something to a shell, a path or a filter is no user name",
        arguments: ["", "-rf", ".", "a b", "a/b", "a;b", "a*", "a(b", "é", "a\u{0}", String(repeating: "a", count: 33)])
    func notAUser(text: String) {
        #expect(throws: MalformedName.self) { try UserName(text) }
    }

    @Test("usual names are names", arguments: ["alice", "a", "Alice.B-c_9", "_svc", "u@x.org"])
    func user(text: String) throws { #expect(try UserName(text).text == text) }

    @Test(
        "a geometry fits the portal's nine characters",
        arguments: ["1x1", "10000x20", "a", "800x", "x600", "+800x600", "800x600x1", "800X600"])
    func notAGeometry(text: String) {
        #expect(throws: MalformedName.self) { try Geometry(text) }
    }

    @Test("a geometry reads and prints the same") func geometry() throws {
        #expect(try Geometry("3840x2160").description == "3840x2160")
    }

    @Test("a secret prints as none") func secret() {
        let secret = Secret("hunter2")
        #expect("\(secret)" == "(secret)")
        #expect(String(reflecting: secret) == "(secret)")
        var dumped = ""
        dump([secret], to: &dumped)
        #expect(!dumped.contains("hunter2"))
    }

    @Test("a token is 32 lowercase hex digits and never the same") func token() {
        let tokens = (0..<100).map { _ in Secret.token() }
        #expect(Set(tokens).count == 100)
        #expect(tokens.allSatisfy { Secret.isToken($0.exposed) })
        #expect(!Secret.isToken("0123456789ABCDEF0123456789abcdef"))
    }
}
