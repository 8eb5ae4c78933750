import Foundation
import Testing
import ViewClient

/// What a portal withdraws by its own SQL, who watches, and how many may.
extension EndToEnd {
    /// A row of `maxwell sessions --json`, and who watches.
    private struct Watched: Decodable {
        struct Watcher: Decodable {
            var user: String
            var since: String
            var address: String
            var read_only: Bool
        }

        var session: UInt64
        var viewers: Int
        var watchers: [Watcher]
    }

    private func watched(_ number: String, as caller: String? = nil) throws -> Watched {
        let words = ["sessions", "--json"]
        let answer = try caller.map { try Gateway.maxwell(as: $0, words) } ?? Gateway.run(["maxwell"] + words)
        guard answer.status == 0 else { throw Missing(description: answer.output) }
        let all = try JSONDecoder().decode([Watched].self, from: Data(answer.output.utf8))
        return try #require(all.first { "\($0.session)" == number })
    }

    private func open(_ number: String, of user: String) throws -> String {
        try Gateway.sql(
            """
            SELECT COUNT(*) FROM mw_view
            WHERE sessnum = \(number) AND username = '\(user)' AND opened IS NOT NULL AND duration IS NULL
            """
        ).joined()
    }

    @Test("a permission that is deleted cuts a live view within 5 s, and nobody else's")
    func deleted() throws {
        try Gateway.withSession { number in
            _ = try share(number, readOnly: "No")
            let alice = try Gateway.viewer(number)
            _ = try alice.frame { $0.distinctColours > 1 }
            let bob = try Gateway.viewer(number, user: "bob")
            _ = try bob.frame { $0.distinctColours > 1 }
            _ = try Gateway.sql("DELETE FROM viewperm WHERE sessnum = \(number) AND viewuser = 'bob'")
            try bob.waitForEnd(within: .seconds(5))
            try Gateway.eventually("it is in the log why") {
                try Gateway.sql(
                    "SELECT cause FROM mw_view WHERE sessnum = \(number) AND username = 'bob' AND duration IS NOT NULL"
                ) == ["revoked"]
            }
            #expect(try open(number, of: "alice") == "1")
            try alice.paintTerminal(1)
            _ = try alice.frame { $0.count(of: red) > 10_000 }
        }
    }

    @Test(
        "a permission that is made read-only narrows a live view within 5 s: its viewer comes again, and only watches")
    func narrowed() throws {
        try Gateway.withSession { number in
            _ = try share(number, readOnly: "No")
            let keys = try Gateway.view(number, user: "bob")
            let token = try #require(keys["token"] as? String)
            let password = try Gateway.password(of: try #require(keys["encpassword"] as? String))
            let acting = try Gateway.viewer(token: token, by: .webSocketBinary, password: password)
            try acting.paintTerminal(1)
            _ = try acting.frame { $0.count(of: red) > 10_000 }
            _ = try Gateway.sql(
                "UPDATE viewperm SET readonly = 'Yes' WHERE sessnum = \(number) AND viewuser = 'bob'")
            try acting.waitForEnd(within: .seconds(5))
            let watching = try Gateway.viewer(token: token, by: .webSocketBinary, password: password)
            try watching.paintTerminal(2)
            let alice = try Gateway.viewer(number)
            try alice.type("\n")
            #expect(try alice.frame { $0.count(of: red) > 10_000 }.count(of: green) == 0)
        }
    }

    @Test("the owner sees who watches, from where, and what they may")
    func whoWatches() throws {
        try Gateway.withSession { number in
            _ = try share(number, readOnly: "Yes")
            let alice = try Gateway.viewer(number)
            _ = try alice.frame { $0.distinctColours > 1 }
            try Gateway.eventually("her view is told") { try open(number, of: "alice") == "1" }
            let bob = try Gateway.viewer(number, user: "bob")
            _ = try bob.frame { $0.distinctColours > 1 }
            try Gateway.eventually("his view is told") { try open(number, of: "bob") == "1" }
            let line = try watched(number)
            #expect(line.viewers == 2)
            #expect(line.watchers.map(\.user) == ["alice", "bob"])
            #expect(line.watchers.map(\.read_only) == [false, true])
            #expect(line.watchers.allSatisfy { $0.address == "127.0.0.1" && $0.since.hasPrefix("20") })
            let why = try Gateway.maxwell("why", number)
            #expect(why.output.contains("Who watches now:"))
            #expect(why.output.contains("bob") && why.output.contains("watch"))
            bob.close()
            try Gateway.eventually("he has left") { try watched(number).watchers.map(\.user) == ["alice"] }
        }
    }

    @Test("a session has as many viewers as it may: one more is refused, and let in when one has left")
    func mostViewers() throws {
        try Gateway.withSettings({ $0 + "\nsessions:\n  most_viewers: 2\n" }) {
            try Gateway.awaitHosts()
            try Gateway.withSession { number in
                let ticket = try Gateway.ticket(number, "--once").ticket
                let first = try Gateway.viewer(number)
                _ = try first.frame { $0.distinctColours > 1 }
                let second = try Gateway.viewer(number)
                _ = try second.frame { $0.distinctColours > 1 }
                #expect(throws: ViewError.self) { try Gateway.viewer(number) }
                #expect(throws: ViewError.self) { try Gateway.viewer(token: ticket, by: .connectInTLS) }
                second.close()
                try Gateway.eventually("the second has left") { try open(number, of: "alice") == "1" }
                // A ticket for one connection was not used up by being refused.
                let third = try Gateway.viewer(token: ticket, by: .connectInTLS)
                _ = try third.frame { $0.distinctColours > 1 }
                third.close()
            }
        }
    }

    @Test("the relay's figures are among the counters")
    func relayFigures() throws {
        try Gateway.eventually("a relay tells what it counts", within: .seconds(30)) {
            try Gateway.maxwell("counters").output.contains("relay.")
        }
    }
}
