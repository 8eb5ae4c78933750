import SessionModel
import SessionStore
import Testing

@Suite("tokens")
struct TokenTests {
    @Test("a view's token leads to its display as often as it is shown, and only its hash is kept")
    func viewToken() async throws {
        let database = try await TestDatabase.withHost()
        let session = try await database.running()
        let token = try await mint(for: session, in: database)
        for _ in 0..<3 {
            let resolved = try #require(try await database.store.resolve(token: token))
            #expect(resolved.session == session)
            #expect(resolved.user == .alice)
            #expect(resolved.mode == .act)
            #expect(resolved.kind == .view)
            #expect(resolved.host == .node1)
            #expect(resolved.display.value == 1)
            #expect(resolved.key == linkKey)
            #expect(resolved.password == viewerPassword)
        }
        #expect(try database.cell("SELECT HEX(token_hash) = SHA2('\(token.exposed)', 256) FROM mw_ticket") == "1")
    }

    @Test("a token for watching watches, for the owner too")
    func watching() async throws {
        let database = try await TestDatabase.withHost()
        let session = try await database.running()
        let token = try await mint(for: session, in: database, mode: .watch)
        #expect(try await database.store.resolve(token: token)?.mode == .watch)
    }

    @Test("an expired token leads nowhere, and is forgotten")
    func expired() async throws {
        let database = try await TestDatabase.withHost()
        let session = try await database.running()
        let token = try await mint(for: session, in: database, kind: .ticket, seconds: 600)
        #expect(try await database.store.resolve(token: token)?.kind == .ticket)
        try database.sql("UPDATE mw_ticket SET expires = UTC_TIMESTAMP() - INTERVAL 1 SECOND")
        #expect(try await database.store.resolve(token: token) == nil)
        #expect(try await database.store.removeExpiredTokens() == 1)
    }

    @Test("of many who show a token for one connection, one gets through")
    func once() async throws {
        let database = try await TestDatabase.withHost(connections: 8)
        let session = try await database.running()
        let token = try await mint(for: session, in: database, kind: .ticket, seconds: 600, once: true)
        let resolved = try await withThrowingTaskGroup(of: ResolvedToken?.self) { group in
            for _ in 0..<10 { group.addTask { try await database.store.resolve(token: token) } }
            return try await group.reduce(into: [ResolvedToken]()) { $0 += $1.map { [$0] } ?? [] }
        }
        #expect(resolved.count == 1)
    }

    @Test("a token is good only while its session runs")
    func sessionState() async throws {
        let database = try await TestDatabase.withHost()
        let session = try await database.begin()
        let token = try await mint(for: session, in: database)
        #expect(try await database.store.resolve(token: token) == nil)
        try await database.store.markRunning(session, steps: "[]")
        #expect(try await database.store.resolve(token: token) != nil)
        _ = try await database.store.beginEnd(session, reason: "stopped")
        #expect(try await database.store.resolve(token: token) == nil)
    }

    @Test("the portal's own token leads in with its row's mode, from sharing to unsharing")
    func sharing() async throws {
        let database = try await TestDatabase.withHost()
        let session = try await database.running()
        let token = "0123456789abcdef0123456789abcdef"
        try database.share(session, with: "bob", token: token, readOnly: true)
        #expect(try await database.store.viewPermission(session: session, user: .bob)?.isReadOnly == true)
        let watched = try #require(try await database.store.resolve(token: Secret(token)))
        #expect(watched.user == .bob)
        #expect(watched.mode == .watch)
        #expect(watched.kind == .portal)
        try database.sql("UPDATE viewperm SET readonly = 'No' WHERE viewuser = 'bob'")
        #expect(try await database.store.resolve(token: Secret(token))?.mode == .act)
        try database.sql("DELETE FROM viewperm WHERE viewuser = 'bob'")
        #expect(try await database.store.resolve(token: Secret(token)) == nil)
        #expect(try await database.store.viewPermission(session: session, user: .bob) == nil)
    }

    @Test("a token of ours falls with its user's permission, and a read-only one makes it watch")
    func revoked() async throws {
        let database = try await TestDatabase.withHost()
        let session = try await database.running()
        try database.share(session, with: "bob", token: "0123456789abcdef0123456789abcdef", readOnly: false)
        let token = try await mint(for: session, of: .bob, in: database)
        #expect(try await database.store.resolve(token: token)?.mode == .act)
        try database.sql("UPDATE viewperm SET readonly = 'Yes' WHERE viewuser = 'bob'")
        #expect(try await database.store.resolve(token: token)?.mode == .watch)
        try database.sql("DELETE FROM viewperm WHERE viewuser = 'bob'")
        #expect(try await database.store.resolve(token: token) == nil)
    }

    @Test(
        "what is no token leads nowhere",
        arguments: ["", "x", "' OR 1=1 -- aaaaaaaaaaaaaaaa", "0123456789ABCDEF0123456789ABCDEF", "ÿ0123456789abcdefg"])
    func strange(text: String) async throws {
        let database = try await TestDatabase.withHost()
        let session = try await database.running()
        try database.share(session, with: "bob", token: "0123456789abcdef0123456789abcdef", readOnly: false)
        try database.share(session, with: "carol", token: "", readOnly: false)
        #expect(try await database.store.resolve(token: Secret(text)) == nil)
    }

    private func mint(
        for session: SessionNumber, of user: UserName = .alice, in database: TestDatabase, mode: ViewMode = .act,
        kind: TokenKind = .view, seconds: Int? = nil, once: Bool = false
    ) async throws -> Secret {
        let token = Secret.token()
        try await database.store.mintToken(
            token, session: session, user: user, mode: mode, kind: kind, seconds: seconds, once: once)
        return token
    }
}
