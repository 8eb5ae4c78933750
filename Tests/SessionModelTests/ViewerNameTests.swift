import SessionModel
import Testing

@Suite("what a native viewer's person types as their name")
struct ViewerNameTests {
    @Test("it is an account, with or without a session")
    func names() throws {
        let alice = try #require(ViewerName("alice"))
        #expect(alice.user.text == "alice" && alice.session == nil)
        let named = try #require(ViewerName("a.b-c@d+4294967295"))
        #expect(named.user.text == "a.b-c@d" && named.session == SessionNumber(4_294_967_295))
    }

    @Test(
        "what is neither is refused",
        arguments: [
            "", "+", "+42", "alice+", "alice+0", "alice+x", "alice+4 2", "alice+-1", "alice++42", "alice+42+43",
            "alice+4294967296", "al ice", "älice", "alice\u{0}", "*", "alice)(uid=*", String(repeating: "a", count: 33),
        ])
    func strange(text: String) { #expect(ViewerName(text) == nil) }
}
