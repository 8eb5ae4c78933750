import SessionModel
import SessionStore
import Testing

@Suite("The portal's rows put right") struct PortalRowsTests {
    @Test(
        "a place that a portal wrote back, and an owner's permission that was lost, are put right",
        arguments: ["InnoDB", "MyISAM"])
    func corrected(engine: String) async throws {
        let database = try await TestDatabase.withHost()
        try database.use(engine: engine)
        let number = try await database.running()
        let place = try database.sql("SELECT exechost, dispnum FROM session WHERE sessnum = \(number)")
        let permission = try database.sql("SELECT geometry, fwhost, fwport, vncpass, readonly FROM viewperm")
        #expect(try await database.store.correctPortalRows().isEmpty)
        try database.sql("UPDATE session SET exechost = 'elsewhere', dispnum = 77 WHERE sessnum = \(number)")
        try database.sql("DELETE FROM viewperm WHERE sessnum = \(number)")
        #expect(try await database.store.correctPortalRows() == [number])
        #expect(try database.sql("SELECT exechost, dispnum FROM session WHERE sessnum = \(number)") == place)
        #expect(try database.sql("SELECT geometry, fwhost, fwport, vncpass, readonly FROM viewperm") == permission)
        #expect(try database.cell("SELECT LENGTH(viewtoken) FROM viewperm") == "32")
        #expect(try await database.store.correctPortalRows().isEmpty)
    }

    @Test("sessions that start or end, and rows of another product, are left alone")
    func others() async throws {
        let database = try await TestDatabase.withHost()
        let starting = try await database.begin()
        let ending = try await database.running()
        _ = try await database.store.beginEnd(ending, reason: "x")
        try database.sql("UPDATE session SET exechost = 'elsewhere' WHERE sessnum IN (\(starting), \(ending))")
        try database.sql("INSERT INTO session (username, remoteip) VALUES ('winuser', '10.0.0.1')")
        #expect(try await database.store.correctPortalRows().isEmpty)
        #expect(try await database.store.removeHalfBegun() == 0)
        #expect(try database.cell("SELECT COUNT(*) FROM session WHERE username = 'winuser'") == "1")
    }
}
