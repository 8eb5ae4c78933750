import SessionModel
import Testing

@testable import SessionControl

@Suite("The resources file") struct ResourcesTextTests {
    private func text(title: String, version: String = "1") throws -> String {
        ResourcesText(
            session: SessionNumber(42), token: Secret("0123456789abcdef0123456789abcdef"),
            application: Application(name: try ApplicationName("xterm_r12"), title: title, command: "xterm"),
            version: version, gatewayName: "hub", gatewayURL: "https://hub.example.org",
            resultsFolder: "/home/alice/data/results/42"
        ).text.exposed
    }

    @Test("one key and value a line, quoted only where there is a space")
    func lines() throws {
        #expect(
            try text(title: "A Terminal") == """
                sessionid 42
                session_token 0123456789abcdef0123456789abcdef
                application_name "A Terminal"
                application_id xterm_r12
                version 1
                hub_name hub
                hub_url https://hub.example.org
                results_directory /home/alice/data/results/42

                """)
    }

    @Test(
        "what Tcl would run or expand is left out",
        arguments: ["[exec rm]", "$env(HOME)", "a\"b", "a;b", "a\nb", "{a", "a\\"])
    func tclSafe(title: String) throws {
        let line = try #require(
            try text(title: title).split(separator: "\n").first { $0.hasPrefix("application_name") })
        #expect(
            !line.dropFirst("application_name ".count).dropFirst().dropLast().contains { "[]$\"{}\\;".contains($0) })
        #expect(try text(title: title).split(separator: "\n").count == 8)
    }

    @Test("a key without a value is left out") func empty() throws {
        #expect(try !text(title: "x", version: "").contains("version"))
    }
}
