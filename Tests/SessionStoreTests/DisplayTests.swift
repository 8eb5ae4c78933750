import SessionModel
import SessionStore
import Testing

@Suite("displays")
struct DisplayTests {
    @Test("twenty new displays at once get twenty numbers, the lowest ones", arguments: ["InnoDB", "MyISAM"])
    func concurrentClaims(engine: String) async throws {
        let database = try await TestDatabase.withHost(connections: 8)
        try database.use(engine: engine)
        let numbers = try await withThrowingTaskGroup(of: Int?.self) { group in
            for index in 0..<20 {
                group.addTask {
                    guard index % 2 == 0 else { return try await database.claim()?.number.value }
                    return try await database.begun(.alice, .fresh(.fresh()))?.display.id.number.value
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(numbers.compactMap { $0 }.sorted() == Array(1...20))
        #expect(try database.cell("SELECT uses FROM host") == "10")
    }

    @Test("new displays for sessions stop at the host's limit", arguments: ["InnoDB", "MyISAM"])
    func limit(engine: String) async throws {
        let database = try await TestDatabase.withHost(maximumUses: 7, connections: 8)
        try database.use(engine: engine)
        let begun = try await withThrowingTaskGroup(of: Bool.self) { group in
            for _ in 0..<20 { group.addTask { try await database.begun(.alice, .fresh(.fresh())) != nil } }
            return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(begun == 7)
        #expect(try database.cell("SELECT uses FROM host") == "7")
        #expect(try database.cell("SELECT COUNT(*) FROM mw_display") == "7")
        #expect(try database.cell("SELECT COUNT(*) FROM session") == "7")
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
            let begun = try await database.begun(.alice, .fresh(.fresh(uidCount: 3)))
            #expect(begun?.display.id.number.value == expected)
        }
        #expect(try database.cell("SELECT uses FROM host") == "2")
        #expect(try database.cell("SELECT COUNT(*) FROM session") == "2")
    }

    @Test("a start that fails half-way counts no use and takes no number", arguments: ["InnoDB", "MyISAM"])
    func failedClaim(engine: String) async throws {
        let database = try await TestDatabase.withHost()
        try database.use(engine: engine)
        let ready = try await database.makeReady()
        for table in ["session", "mw_session"] {
            try database.sql("RENAME TABLE \(table) TO elsewhere")
            for claim in [DisplayClaim.fresh(.fresh()), .ready([ready])] {
                await #expect(throws: StoreError.self) { try await database.begun(.alice, claim) }
            }
            try database.sql("RENAME TABLE elsewhere TO \(table)")
            #expect(try database.cell("SELECT uses FROM host") == "0")
            #expect(try database.sql("SELECT state, counted FROM mw_display") == [["ready", "0"]])
            #expect(try database.cell("SELECT COUNT(*) FROM session") == "0")
        }
    }

    @Test("an unknown host has no display")
    func unknownHost() async throws {
        let database = try await TestDatabase.withHost()
        let elsewhere = FreshDisplay.fresh(on: try HostName("elsewhere"))
        #expect(try await database.store.claimForPool(elsewhere, template: "t1") == nil)
        #expect(try await database.begun(.alice, .fresh(elsewhere)) == nil)
    }

    @Test("the portal sees a display absent, ready, used and absent again", arguments: ["InnoDB", "MyISAM"])
    func portalRow(engine: String) async throws {
        let database = try await TestDatabase.withHost()
        try database.use(engine: engine)
        let row = "SELECT hostname, dispnum, geometry, depth, sessnum, vncpass, status FROM display"
        _ = try await database.claim()
        #expect(try database.sql(row) == [["node1", "1", "1024x768", "24", "0", "beafef4c081572d8", "absent"]])
        let id = DisplayID(host: .node1, number: try DisplayNumber(1))
        #expect(try await database.store.markDisplayReady(id, bootID: "boot-1", template: "t1"))
        #expect(try database.sql(row) == [["node1", "1", "1024x768", "24", "0", "beafef4c081572d8", "ready"]])
        let session = try #require(try await database.begun(.alice, .ready([id])))
        #expect(session.display.wasReady)
        #expect(session.display.key == linkKey)
        #expect(session.display.password == viewerPassword)
        #expect(session.display.uid == 2_000_001)
        try await database.store.markRunning(session.number, steps: "[]")
        #expect(
            try database.sql(row) == [
                ["node1", "1", "1024x768", "24", "\(session.number)", "beafef4c081572d8", "used"]
            ])
        #expect(try database.cell("SELECT uses FROM host") == "1")
        for _ in 0..<2 { try await database.store.releaseDisplay(DisplayNumber(1), key: linkKey, on: .node1) }
        #expect(try database.sql(row) == [["node1", "1", "1024x768", "24", "0", "", "absent"]])
        #expect(try database.cell("SELECT uses FROM host") == "0")
    }

    @Test("a late release with another display's key takes a number from nobody", arguments: ["InnoDB", "MyISAM"])
    func lateRelease(engine: String) async throws {
        let database = try await TestDatabase.withHost()
        try database.use(engine: engine)
        let id = try await database.makeReady()
        _ = try #require(try await database.begun(.alice, .ready([id])))
        try await database.store.releaseDisplay(id.number, key: .token(), on: .node1)
        #expect(try await database.store.displays(on: .node1).map(\.key) == [linkKey])
        #expect(try database.cell("SELECT uses FROM host") == "1")
    }

    @Test("a display is ready once its server answers, and only once")
    func ready() async throws {
        let database = try await TestDatabase.withHost()
        let id = try await database.makeReady(withGL: true)
        #expect(try await database.store.markDisplayReady(id, bootID: "boot-2", template: "t2") == false)
        let display = try #require(try await database.store.displays(on: .node1).first)
        #expect(display.state == .ready)
        #expect(display.bootID == "boot-1")
        #expect(display.template == "t1")
        #expect(display.withGL)
        #expect(display.session == nil)
    }

    @Test("a new display that a session waits for is used at once, and never ready for others")
    func coldStart() async throws {
        let database = try await TestDatabase.withHost()
        let cold = try #require(try await database.begun(.alice, .fresh(.fresh())))
        #expect(try await database.store.displays(on: .node1).map(\.state) == [.starting])
        #expect(try await database.store.markDisplayReady(cold.display.id, bootID: "boot-1", template: "t1"))
        #expect(try await database.store.displays(on: .node1).map(\.state) == [.used])
        #expect(try await database.begun(.bob, .ready([cold.display.id])) == nil)
        #expect(try database.cell("SELECT status FROM display") == "used")
    }

    @Test("a display that fails its session is broken for everyone, and its use is given back")
    func broken() async throws {
        let database = try await TestDatabase.withHost()
        let id = try await database.makeReady()
        let session = try #require(try await database.begun(.alice, .ready([id])))
        try await database.store.dropDisplay(id, of: SessionNumber(999), as: .gone)
        for _ in 0..<2 { try await database.store.dropDisplay(id, of: session.number, as: .broken("no pixel came")) }
        let display = try #require(try await database.store.displays(on: .node1).first)
        #expect(display.state == .broken)
        #expect(display.reason == "no pixel came")
        #expect(display.session == nil)
        #expect(try database.sql("SELECT status, sessnum, vncpass FROM display") == [["broken", "0", ""]])
        #expect(try database.cell("SELECT uses FROM host") == "0")
        #expect(try await database.begun(.bob, .ready([id])) == nil)
    }

    @Test("a display that is gone frees its number")
    func gone() async throws {
        let database = try await TestDatabase.withHost()
        let id = try await database.makeReady()
        let session = try #require(try await database.begun(.alice, .ready([id])))
        for _ in 0..<2 { try await database.store.dropDisplay(id, of: session.number, as: .gone) }
        #expect(try await database.store.displays(on: .node1).isEmpty)
        #expect(try database.sql("SELECT status FROM display") == [["absent"]])
        #expect(try database.cell("SELECT uses FROM host") == "0")
    }

    @Test("a wrong count of uses is set right: displays that wait count as none", arguments: ["InnoDB", "MyISAM"])
    func recount(engine: String) async throws {
        let database = try await TestDatabase.withHost()
        try database.use(engine: engine)
        _ = try await database.begin()
        _ = try await database.makeReady()
        try database.sql("UPDATE host SET uses = 9")
        try await database.store.recountUses()
        #expect(try database.cell("SELECT uses FROM host") == "1")
    }
}
