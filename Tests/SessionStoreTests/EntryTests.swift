import SessionModel
import SessionStore
import Testing

@Suite("who comes with a name and a password")
struct EntryTests {
    @Test("a name alone leads to the newest of one's own sessions that runs, with its permission's mode")
    func newest() async throws {
        let database = try await TestDatabase.withHost()
        #expect(try await database.store.seat(of: .alice, in: nil) == nil)
        let first = try await database.running()
        let second = try await database.running()
        _ = try await database.begin()
        let shared = try await database.running(.bob)
        try database.sql(
            """
            INSERT INTO viewperm (sessnum, viewuser, viewtoken, geometry, fwhost, vncpass, readonly)
            VALUES (\(shared), 'alice', 'x', '', '', '', 'No')
            """)
        let seat = try #require(try await database.store.seat(of: .alice, in: nil))
        #expect(seat.session == second && seat.user == .alice && seat.mode == .act && seat.kind == .password)
        #expect(
            seat.host == .node1 && seat.display.value == 2 && seat.key == linkKey && seat.password == viewerPassword)
        try database.sql("UPDATE viewperm SET readonly = 'Yes' WHERE sessnum = \(second)")
        #expect(try await database.store.seat(of: .alice, in: nil)?.mode == .watch)
        try database.sql("DELETE FROM viewperm WHERE sessnum = \(second)")
        #expect(try await database.store.seat(of: .alice, in: nil)?.session == first)
        _ = try await database.store.beginEnd(first, reason: "stopped")
        #expect(try await database.store.seat(of: .alice, in: nil) == nil)
    }

    @Test("a session that is named is one's own or a shared one, and nobody else's", arguments: engines)
    func named(engine: String) async throws {
        let database = try await TestDatabase.withHost()
        try database.use(engine: engine)
        let session = try await database.running()
        #expect(try await database.store.seat(of: .alice, in: session)?.mode == .act)
        #expect(try await database.store.seat(of: .bob, in: session) == nil)
        #expect(try await database.store.seat(of: UserName(known: "ALICE"), in: session) == nil)
        #expect(try await database.store.seat(of: UserName(known: "ALICE"), in: nil) == nil)
        try database.share(session, with: "bob", token: "0123456789abcdef0123456789abcdef", readOnly: true)
        let seat = try #require(try await database.store.seat(of: .bob, in: session))
        #expect(seat.session == session && seat.user == .bob && seat.mode == .watch)
        #expect(try await database.store.seat(of: .bob, in: nil) == nil)
        #expect(try await database.store.seat(of: .alice, in: SessionNumber(session.value + 1)) == nil)
    }

    @Test("a ticket in the password's place is the person's own, for the session that is named, or it is not used up")
    func ticket() async throws {
        let database = try await TestDatabase.withHost()
        let session = try await database.running()
        let other = try await database.running()
        let ticket = try await mint(for: session, .ticket, once: true, in: database)
        #expect(try await database.store.resolve(ticket: ticket, of: .bob, to: nil) == nil)
        #expect(try await database.store.resolve(ticket: ticket, of: .alice, to: other) == nil)
        #expect(try await database.store.resolve(ticket: ticket, of: .alice, to: session)?.session == session)
        #expect(try await database.store.resolve(ticket: ticket, of: .alice, to: session) == nil)
        let lasting = try await mint(for: session, .ticket, once: false, in: database)
        for _ in 0..<2 {
            #expect(try await database.store.resolve(ticket: lasting, of: .alice, to: nil)?.session == session)
        }
    }

    @Test("what is no ticket is none: a page's token, and the portal's, go with the display's password")
    func noTicket() async throws {
        let database = try await TestDatabase.withHost()
        let session = try await database.running()
        let portal = "0123456789abcdef0123456789abcdef"
        try database.share(session, with: "bob", token: portal, readOnly: false)
        let page = try await mint(for: session, .view, once: false, in: database)
        #expect(try await database.store.resolve(ticket: page, of: .alice, to: nil) == nil)
        #expect(try await database.store.resolve(ticket: Secret(portal), of: .bob, to: nil) == nil)
        #expect(try await database.store.resolve(ticket: .token(), of: .alice, to: nil) == nil)
    }

    @Test("a ticket for one connection that was given back is good for one more")
    func givenBack() async throws {
        let database = try await TestDatabase.withHost()
        let session = try await database.running()
        let ticket = try await mint(for: session, .ticket, once: true, in: database)
        for _ in 0..<2 {
            #expect(try await database.store.resolve(token: ticket) != nil)
            #expect(try await database.store.resolve(token: ticket) == nil)
            try await database.store.giveBack(token: ticket)
        }
    }

    @Test("a session has as many viewers as it may, however many come at once")
    func mostViewers() async throws {
        let database = try await TestDatabase.withHost(connections: 8)
        let session = try await database.running()
        let old = try await database.open(session)
        let stale = try await database.reserve(session)
        try database.sql("UPDATE mw_view SET reserved = reserved - INTERVAL 5 MINUTE WHERE viewid = \(stale)")
        let reserved = try await withThrowingTaskGroup(of: UInt64?.self) { group in
            for _ in 0..<10 { group.addTask { try await reserve(session, most: 4, in: database) } }
            return try await group.reduce(into: [UInt64]()) { $0 += $1.map { [$0] } ?? [] }
        }
        #expect(reserved.count == 3)
        #expect(try await reserve(try await database.running(), most: 4, in: database) != nil)
        #expect(try await reserve(session, most: 0, in: database) != nil)
        try await database.store.closeView(.end(old, seconds: 1))
        #expect(try await reserve(session, most: 4, in: database) == nil)
        try await database.store.closeView(.end(reserved[0], began: nil, seconds: 0))
        #expect(try await reserve(session, most: 4, in: database) != nil)
    }

    @Test("who watches is told with what they may, whoever came first in front")
    func watchers() async throws {
        let database = try await TestDatabase.withHost()
        let session = try await database.running()
        let unseen = try await database.running()
        try database.share(session, with: "bob", token: "0123456789abcdef0123456789abcdef", readOnly: true)
        _ = try await database.open(session, age: 10)
        _ = try await database.open(session, of: .bob, mode: .watch, kind: .password, age: 60)
        let gone = try await database.open(session)
        try await database.store.closeView(.end(gone, seconds: 1))
        _ = try await database.reserve(session)
        let watchers = try await database.store.watchers(of: [session, unseen])
        #expect(watchers[unseen] == nil)
        #expect(watchers[session]?.map(\.user) == [.bob, .alice])
        #expect(watchers[session]?.map(\.mode) == [.watch, .act])
        #expect(watchers[session]?.map(\.address) == ["10.2.3.4", "10.2.3.4"])
        let since = try #require(watchers[session]?.first?.since)
        #expect(try database.cell("SELECT opened FROM mw_view WHERE kind = 'password'") == since)
    }

    private func reserve(_ session: SessionNumber, most: Int, in database: TestDatabase) async throws -> UInt64? {
        try await database.store.reserveView(
            session: session, user: .alice, mode: .act, kind: .view, address: "", relay: "relay-1", most: most)
    }

    private func mint(
        for session: SessionNumber, _ kind: TokenKind, once: Bool, in database: TestDatabase
    ) async throws -> Secret {
        let token = Secret.token()
        try await database.store.mintToken(
            token, session: session, user: .alice, mode: .act, kind: kind, seconds: 600, once: once)
        return token
    }
}
