import SessionModel
import SessionStore
import Testing

@Suite("displays")
struct DisplayTests {
    @Test("twenty claims at once get twenty numbers, the lowest ones")
    func concurrentClaims() async throws {
        let database = try await TestDatabase.withHost(connections: 8)
        let claims = try await claims(20, of: database)
        #expect(claims.compactMap { $0?.number.value }.sorted() == Array(1...20))
        #expect(try database.cell("SELECT uses FROM host") == "20")
    }

    @Test("claims at once on MyISAM tables get different numbers too")
    func concurrentClaimsWithoutTransactions() async throws {
        let database = try await TestDatabase.withHost(connections: 8)
        try database.sql("ALTER TABLE host ENGINE=MyISAM; ALTER TABLE display ENGINE=MyISAM")
        let claims = try await claims(20, of: database)
        #expect(claims.compactMap { $0?.number.value }.sorted() == Array(1...20))
        #expect(try database.cell("SELECT uses FROM host") == "20")
    }

    @Test("claims at once stop at the host's limit", arguments: ["InnoDB", "MyISAM"])
    func limit(engine: String) async throws {
        let database = try await TestDatabase.withHost(maximumUses: 7, connections: 8)
        try database.sql("ALTER TABLE host ENGINE=\(engine)")
        let claims = try await claims(20, of: database)
        #expect(claims.compactMap { $0 }.count == 7)
        #expect(try database.cell("SELECT uses FROM host") == "7")
        #expect(try database.cell("SELECT COUNT(*) FROM mw_display") == "7")
    }

    @Test("numbers begin at first_display, gaps are filled, and the uid follows the number")
    func lowestFree() async throws {
        let database = try await TestDatabase.withHost()
        try database.sql("UPDATE host SET first_display = 5")
        for expected in [5, 6, 7] { #expect(try await database.claim()?.number.value == expected) }
        try await database.store.releaseDisplay(DisplayNumber(6), key: linkKey, on: .node1)
        let again = try #require(try await database.claim())
        #expect(again.number.value == 6)
        #expect(again.uid == 2_000_006)
        try await database.store.releaseDisplay(DisplayNumber(5), key: linkKey, on: .node1)
        #expect(try await database.claim()?.number.value == 5)
    }

    @Test("no number is given beyond the uid range, and no use is counted for it")
    func uidRange() async throws {
        let database = try await TestDatabase.withHost()
        for expected in [1, 2, nil] {
            let claimed = try await database.store.claimDisplayNumber(
                on: .node1, key: linkKey, password: viewerPassword, geometry: .usual, depth: 24, uidBase: 100,
                uidCount: 3)
            #expect(claimed?.number.value == expected)
        }
        #expect(try database.cell("SELECT uses FROM host") == "2")
    }

    @Test("a claim that fails half-way counts no use and takes no number", arguments: ["InnoDB", "MyISAM"])
    func failedClaim(engine: String) async throws {
        let database = try await TestDatabase.withHost()
        try database.sql("ALTER TABLE host ENGINE=\(engine); RENAME TABLE display TO elsewhere")
        await #expect(throws: StoreError.self) { try await database.claim() }
        #expect(try database.cell("SELECT uses FROM host") == "0")
        #expect(try database.cell("SELECT COUNT(*) FROM mw_display") == "0")
    }

    @Test("an unknown host has no display")
    func unknownHost() async throws {
        let database = try await TestDatabase.withHost()
        let claimed = try await database.store.claimDisplayNumber(
            on: HostName("elsewhere"), key: linkKey, password: viewerPassword, geometry: .usual, depth: 24,
            uidBase: 100, uidCount: 10)
        #expect(claimed == nil)
    }

    @Test("the portal sees a claimed display used, with its password, and a released one absent")
    func portalRow() async throws {
        let database = try await TestDatabase.withHost()
        _ = try await database.claim()
        let row = "SELECT hostname, dispnum, geometry, depth, vncpass, status FROM display"
        #expect(try database.sql(row) == [["node1", "1", "1024x768", "24", "beafef4c081572d8", "used"]])
        for _ in 0..<2 { try await database.store.releaseDisplay(DisplayNumber(1), key: linkKey, on: .node1) }
        #expect(try database.sql(row) == [["node1", "1", "1024x768", "24", "", "absent"]])
        #expect(try database.cell("SELECT uses FROM host") == "0")
    }

    @Test("a late release with another display's key takes a number from nobody", arguments: ["InnoDB", "MyISAM"])
    func lateRelease(engine: String) async throws {
        let database = try await TestDatabase.withHost()
        try database.sql("ALTER TABLE host ENGINE=\(engine); ALTER TABLE display ENGINE=\(engine)")
        _ = try await database.claim()
        try await database.store.releaseDisplay(DisplayNumber(1), key: .token(), on: .node1)
        #expect(try await database.store.displays(on: .node1).map(\.key) == [linkKey])
        #expect(try database.cell("SELECT status FROM display") == "used")
        #expect(try database.cell("SELECT uses FROM host") == "1")
    }

    @Test("a display is ready once its server answers")
    func ready() async throws {
        let database = try await TestDatabase.withHost()
        let claimed = try #require(try await database.claim())
        try await database.store.markDisplayReady(claimed.number, on: .node1, bootID: "boot-1")
        let displays = try await database.store.displays(on: .node1)
        #expect(displays.map(\.state) == ["ready"])
        #expect(displays.map(\.bootID) == ["boot-1"])
    }

    @Test("a wrong count of uses is set right")
    func recount() async throws {
        let database = try await TestDatabase.withHost()
        _ = try await database.claim()
        try database.sql("UPDATE host SET uses = 9")
        try await database.store.recountUses()
        #expect(try database.cell("SELECT uses FROM host") == "1")
    }

    private func claims(_ count: Int, of database: TestDatabase) async throws -> [ClaimedDisplay?] {
        try await withThrowingTaskGroup(of: ClaimedDisplay?.self) { group in
            for _ in 0..<count { group.addTask { try await database.claim() } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
    }
}
