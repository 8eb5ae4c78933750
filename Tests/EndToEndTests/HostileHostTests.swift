import Foundation
import Testing

/// An execution host that is in a stranger's hands, beside one that is not.
extension EndToEnd {
    private static let agent = "/usr/local/lib/maxwell/maxwell-host"

    /// Ends the agents that serve the controller on a host: it connects again.
    func endAgents(on host: String) throws {
        for process in try Gateway.hostParts() where process.host == host && process.part == .agent {
            kill(process.id, SIGKILL)
        }
    }

    @Test(
        "a host in a stranger's hands touches no session of another host, is told nothing of them, and takes nobody's time"
    )
    func attackByHost() throws {
        try Gateway.awaitReady()
        let folder = (Self.agent as NSString).deletingLastPathComponent
        let program = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent(
            "hostile_host.py")
        let facts = try Gateway.data.appendingPathComponent("facts.json")
        defer { try? FileManager.default.removeItem(at: facts) }
        try Victim.with(on: ["exec1"]) { victims in
            let victim = victims[0]
            let controller = try Gateway.process("maxwelld")
            let state = "SELECT state, reason FROM mw_session WHERE sessnum = \(victim.number)"
            let displays =
                "SELECT dispnum, state FROM mw_display WHERE hostname = 'exec1' AND sessnum = \(victim.number)"
            let before = try (Gateway.sql(state), Gateway.sql(displays))
            try JSONSerialization.data(withJSONObject: ["victims": [victim.facts]]).write(to: facts)
            let script = """
                mv \(Self.agent) \(Self.agent).true && cp \(facts.path) \(folder)/facts.json \
                && cp \(program.path) \(Self.agent).new && chmod 755 \(Self.agent).new && mv \(Self.agent).new \(Self.agent)
                """
            _ = try Gateway.inside("exec2", "sh", "-c", script)
            defer {
                do {
                    _ = try Gateway.inside(
                        "exec2", "sh", "-c",
                        "mv -f \(Self.agent).true \(Self.agent) && rm -f \(folder)/facts.json \(folder)/heard.json")
                    try endAgents(on: "exec2")
                    try Gateway.awaitHosts()
                    try Gateway.awaitReady()
                } catch { Issue.record(error) }
            }
            try endAgents(on: "exec2")
            // It was looked at twice: what it says is not there would have been ended by now.
            try Gateway.eventually("the stranger was asked what it has, again", within: .seconds(90)) {
                let heard = (try? Gateway.inside("exec2", "cat", "\(folder)/heard.json")) ?? ""
                return heard.components(separatedBy: "\"inventory\"").count > 2
            }
            #expect(try Gateway.process("maxwelld") == controller && kill(controller, 0) == 0)
            #expect(try Gateway.sql(state) == before.0 && Gateway.sql(displays) == before.1)
            try victim.expectUnharmed()
            // Who starts something gets it, whatever the stranger says.
            try Gateway.withSession { number in
                let why = try Gateway.maxwell("why", number)
                #expect(why.status == 0, "\(why.output)")
            }
            // What a home has is told by the host of its owner's session.
            let quota = try Gateway.maxwell("quota", "bob", "--json")
            #expect(quota.status == 0 && !quota.output.contains("9223372036854775808"), "\(quota.output)")
            #expect(try !Gateway.hostParts().contains { $0.host == "exec1" && $0.name == "xmessage" })
            let heard = try Gateway.inside("exec2", "cat", "\(folder)/heard.json")
            for secret in [
                victim.key, try Gateway.setting("MAXWELL_ALICE_PASSWORD"), try Gateway.setting("MAXWELL_BOB_PASSWORD"),
            ] {
                // The one key it knows is the one that it told itself.
                let told = heard.components(separatedBy: "\n").filter {
                    $0.contains(secret) && !$0.contains("endDisplay")
                }
                #expect(told == [])
            }
            #expect(try Gateway.sql("SELECT COUNT(*) FROM mw_session WHERE walltime > 1e6") == ["0"])
        }
    }
}
