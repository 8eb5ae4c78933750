import SessionModel
import Testing
import ViewClient

extension EndToEnd {
    /// What the portal writes when alice shares with bob: a copy of her row with a token of its own.
    func share(_ number: String, readOnly: String, in database: String = "maxwell") throws -> String {
        let token = Secret.token().exposed
        _ = try Gateway.sql(
            """
            INSERT INTO \(database).viewperm (sessnum, viewuser, viewtoken, geometry, fwhost, fwport, vncpass, readonly)
            SELECT sessnum, 'bob', '\(token)', geometry, fwhost, fwport, vncpass, '\(readOnly)'
              FROM \(database).viewperm WHERE sessnum = \(number) AND viewuser = 'alice'
            """)
        return token
    }

    @Test("a session that is not shared is refused, one that the portal shared is seen, and unsharing cuts it")
    func shareAndRevoke() throws {
        try Gateway.withSession { number in
            let refused = try Gateway.maxwell("view", "user=bob", "ip=127.0.0.1", "sess=\(number)")
            #expect(refused.status != 0)
            let token = try share(number, readOnly: "No")
            let viewer = try Gateway.viewer(number, user: "bob")
            _ = try viewer.frame { $0.distinctColours > 1 }
            let hex = try #require(try Gateway.view(number, user: "bob")["encpassword"] as? String)
            let direct = try Gateway.viewer(
                token: token, by: .webSocketBinary, password: try Gateway.password(of: hex))
            _ = try direct.frame { $0.distinctColours > 1 }
            _ = try Gateway.sql("DELETE FROM viewperm WHERE sessnum = \(number) AND viewuser = 'bob'")
            try viewer.waitForEnd(within: .seconds(30))
            try direct.waitForEnd(within: .seconds(30))
            #expect(throws: ViewError.self) { try Gateway.viewer(token: token, by: .webSocketBinary) }
        }
    }

    @Test("a session shared to watch cannot be typed into")
    func sharedToWatch() throws {
        try Gateway.withSession { number in
            _ = try share(number, readOnly: "Yes")
            let bob = try Gateway.viewer(number, user: "bob")
            let alice = try Gateway.viewer(number)
            try bob.paintTerminal(2)
            _ = try bob.frame()
            try alice.paintTerminal(1)
            #expect(try alice.frame { $0.count(of: red) > 10_000 }.count(of: green) == 0)
        }
    }
}
