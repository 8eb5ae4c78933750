import SessionModel
import Testing

@testable import SessionStore

@Suite("the connection")
struct ConnectionTests {
    @Test("a server that is not there is one sentence, and a reason for the operator")
    func absent() async throws {
        let store = Database(DatabaseAddress(socket: "/nonexistent/s", name: "x", user: "x"))
        let error = await #expect(throws: StoreError.self) { try await store.ping() }
        #expect(error?.exitStatus == .tryAgain)
        #expect(error?.userMessage == "The database does not answer; please try again in a minute.")
        #expect(error?.operatorCause?.contains("/nonexistent/s") == true)
    }

    @Test("a connection that the server closed is replaced, for reading and for writing")
    func closed() async throws {
        let database = try await TestDatabase.withHost(connections: 2)
        try await database.store.ping()
        try killConnections(of: database)
        #expect(try await database.store.hosts().count == 1)
        try killConnections(of: database)
        _ = try await database.begin()
        #expect(try database.cell("SELECT uses FROM host") == "1")
    }

    @Test("many callers share few connections, and every one gets its own answer")
    func sharing() async throws {
        let database = try await TestDatabase.withHost(connections: 2)
        let session = try await database.running()
        try await withThrowingTaskGroup(of: SessionNumber?.self) { group in
            for _ in 0..<100 { group.addTask { try await database.store.session(session)?.number } }
            for try await number in group { #expect(number == session) }
        }
        let connections = try database.cell(
            "SELECT COUNT(*) FROM information_schema.processlist WHERE db = DATABASE() AND id <> CONNECTION_ID()")
        #expect(Int(connections ?? "") ?? 99 <= 2)
        #expect(database.store.counters()["session"] == 100)
    }

    @Test("texts of any length and script come back as they were written")
    func texts() async throws {
        let database = try await TestDatabase.withHost()
        let key = "ssh-ed25519 " + String(repeating: "Ünï 🔑 '\\\" ", count: 2000)
        try await database.store.addHost(
            HostAddition(name: .node1, address: "'; DROP TABLE host; --", sshHostKey: key))
        let access = try #require(try await database.store.hosts().first?.access)
        #expect(access.sshHostKey == key)
        #expect(access.address == "'; DROP TABLE host; --")
    }

    @Test("a prepared statement that is needed stays prepared, and one that is not is closed, here and in the server")
    func prepared() async throws {
        let database = try await TestDatabase.withHost(connections: 1)
        var time = 1000
        let connection = Connection(database.store.address, clock: { time })
        try connection.prepareForJob()
        func count(_ what: String) throws -> Int {
            try connection.query("SHOW SESSION STATUS LIKE 'Com_stmt_\(what)'").first?.integer(1) ?? -1
        }
        for number in 0..<40 { _ = try connection.query("SELECT \(number)") }
        for _ in 0..<10 {
            #expect(try connection.query("SELECT 'often'").first?.text(0) == "often")
            time += PreparedStatements.round / 2
        }
        // Those that count are two more.
        let made = try (count("prepare"), count("close"))
        #expect(made == (42, 40))
        #expect(try connection.query("SELECT 7").first?.integer(0) == 7)
        connection.disconnect()
    }

    private func killConnections(of database: TestDatabase) throws {
        let ids = try database.sql(
            "SELECT id FROM information_schema.processlist WHERE db = DATABASE() AND id <> CONNECTION_ID()")
        for id in ids { try database.server.sql("KILL \(id[0])", in: "mysql") }
    }
}
