import SessionModel
import SessionStore
import TestServers
import Testing

@Suite("a database that an existing hub made")
struct OldHubTests {
    @Test(
        "gets what it lacks, keeps engine and rows, and carries a session from start to stop",
        arguments: [
            ("utf8mb3", "utf8mb3_general_ci"), ("latin1", "latin1_swedish_ci"), ("utf8mb4", "utf8mb4_unicode_ci"),
        ])
    func wholeLife(characterSet: String, collation: String) async throws {
        let database = try TestDatabase(characterSet: characterSet, collation: collation)
        try database.sql(oldHub)
        _ = try await database.store.migrate()
        #expect(try await database.store.migrate().isEmpty)

        #expect(
            try database.cell(
                "SELECT engine FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = 'session'"
            ) == "MyISAM")
        #expect(try database.cell("SELECT COUNT(*) FROM hosttype") == "2")
        #expect(
            try database.sql("SELECT dispnum, sessnum FROM display ORDER BY dispnum") == [["1", "11"], ["2", "0"]])
        #expect(try database.cell("SELECT walltime FROM sessionlog WHERE sessnum = 10") == "5")

        let host = try #require(try await database.store.hosts().first)
        #expect(host.name.text == "old1")
        #expect(host.uses == 2)
        #expect(host.firstDisplay == 1)
        #expect(host.access == nil)

        try await database.store.addHost(.node1())
        let ready = try await database.makeReady()
        let session = try #require(try await database.begun(.alice, .ready([ready]))).number
        try await database.store.markRunning(session, steps: "[]")
        #expect(session > SessionNumber(11))
        #expect(
            try database.sql("SELECT status, sessnum FROM display WHERE hostname = 'node1'") == [
                ["used", "\(session)"]
            ])
        #expect(
            try database.sql(
                "SELECT s.sessnum FROM viewperm v JOIN session s ON v.sessnum = s.sessnum WHERE v.viewuser = 'alice'")
                == [["\(session)"]])

        let token = Secret.token()
        try await database.store.mintToken(
            token, session: session, user: .alice, mode: .act, kind: .view, seconds: nil, once: false)
        #expect(try await database.store.resolve(token: token)?.session == session)
        let view = try await database.open(session, age: 3)
        #expect(try await database.beat([view], seconds: 2, age: 3).isEmpty)

        let shared = "0123456789abcdef0123456789abcdef"
        try database.share(session, with: "bob", token: shared, readOnly: true)
        #expect(try await database.store.resolve(token: Secret(shared))?.mode == .watch)
        try database.sql("DELETE FROM viewperm WHERE viewuser = 'bob'")
        #expect(try await database.store.resolve(token: Secret(shared)) == nil)

        try await database.store.closeView(.end(view, age: 3, seconds: 3))
        let record = try #require(try await database.store.beginEnd(session, reason: "stopped"))
        try await database.store.finishEnd(session, accounts: .some, failedStart: false)
        let place = try #require(record.place)
        try await database.store.releaseDisplay(place.number, key: try #require(record.display).key, on: place.host)
        #expect(
            try database.sql("SELECT walltime, viewtime, cputime FROM sessionlog WHERE sessnum = \(session)") == [
                ["12.5", "3", "3.25"]
            ])
        #expect(try database.sql("SELECT sessnum FROM session") == [["11"]])
        #expect(try database.cell("SELECT COUNT(*) FROM viewlog") == "1")
        #expect(try database.cell("SELECT status FROM display WHERE hostname = 'node1'") == "absent")
        try await database.store.recountUses()
        #expect(
            try database.sql("SELECT hostname, uses FROM host ORDER BY hostname") == [["node1", "0"], ["old1", "2"]])
    }

    @Test("its published and its developers' applications are found, with what they ask of a host")
    func applications() async throws {
        let database = try TestDatabase()
        try database.sql(oldHub)
        let xterm = try #require(try await database.store.portalApplication(ApplicationName("xterm_r1")))
        #expect(xterm.command == "/apps/xterm/r1/middleware/invoke -T r1")
        #expect(xterm.geometry.description == "780x600")
        #expect(xterm.timeout == 7200)
        #expect(xterm.hostRequirements == ["sessions", "special"])
        #expect(try await database.store.portalApplication(ApplicationName("gone_r1")) == nil)
        let all = try await database.store.portalApplications()
        #expect(all.map(\.name.text) == ["odd_dev", "xterm_r1"])
        #expect(all.first?.geometry == .usual)
        #expect(all.first?.timeout == 86400)
    }

    @Test("without a portal there are no applications of it")
    func noPortal() async throws {
        let database = try await TestDatabase.withHost()
        #expect(try await database.store.portalApplication(ApplicationName("xterm")) == nil)
        #expect(try await database.store.portalApplications().isEmpty)
    }
}
