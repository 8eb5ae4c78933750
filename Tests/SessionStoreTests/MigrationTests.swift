import SessionModel
import TestServers
import Testing

@testable import SessionStore

@Suite("the schema")
struct MigrationTests {
    @Test("an empty database gets every table, in InnoDB, and running again changes nothing")
    func emptyDatabase() async throws {
        let database = try TestDatabase()
        #expect(try await database.store.migrate() == Migration.all.map(\.name))
        let before = try database.sql(schema)
        #expect(try await database.store.migrate().isEmpty)
        #expect(try database.sql(schema) == before)
        let engines = try database.sql(
            "SELECT DISTINCT engine FROM information_schema.tables WHERE table_schema = DATABASE()")
        #expect(engines == [["InnoDB"]])
    }

    @Test("the portal's tables have exactly the portal's columns", arguments: portalColumns.keys.sorted())
    func columns(table: String) async throws {
        let database = try TestDatabase()
        _ = try await database.store.migrate()
        let names = try database.sql(
            """
            SELECT column_name FROM information_schema.columns
            WHERE table_schema = DATABASE() AND table_name = '\(table)' ORDER BY ordinal_position
            """
        ).map { $0[0] }
        #expect(names.sorted() == portalColumns[table]?.sorted())
    }

    @Test("a database of the first release keeps its sessions, and carries them to their end", arguments: engines)
    func firstRelease(engine: String) async throws {
        let database = try TestDatabase()
        let store = database.store
        _ = try await store.migrate(Array(Migration.all.prefix(4)))
        try database.use(engine: engine)
        try database.sql(
            """
            INSERT INTO mw_host (hostname, address, ssh_host_key, added)
              VALUES ('node1', '10.0.0.1', 'ssh-ed25519 AAAA', UTC_TIMESTAMP());
            INSERT INTO host (hostname, provisions, status, uses) VALUES ('node1', 3, 'up', 2);
            INSERT INTO display VALUES ('node1', 1, '800x600', 24, 5, 'aaaa', 'used'), ('node1', 2, '800x600', 24, 0, '', 'used');
            INSERT INTO mw_display (hostname, dispnum, state, sessnum, link_key, uid, password, geometry, depth, created)
              VALUES ('node1', 1, 'used', 5, MD5(1), 1, 'testtest', '800x600', 24, UTC_TIMESTAMP()),
                ('node1', 2, 'starting', NULL, MD5(2), 2, 'testtest', '800x600', 24, UTC_TIMESTAMP());
            INSERT INTO session (sessnum, username, remoteip, exechost, dispnum, start, appname, zone_id)
              VALUES (5, 'alice', '10.0.0.7', 'node1', 1, NOW(), 'xterm', 3);
            INSERT INTO mw_session (sessnum, state, owner, application, hostname, dispnum, geometry, timeout, started)
              VALUES (4, 'ended', 'alice', 'xterm', 'node1', 1, '800x600', 60, UTC_TIMESTAMP()),
                (5, 'running', 'alice', 'xterm', 'node1', 1, '800x600', 60, UTC_TIMESTAMP());
            INSERT INTO viewperm (sessnum, viewuser) VALUES (5, 'alice');
            """)
        #expect(
            try await store.migrate() == [
                "005-ready-displays", "006-life", "007-native-viewers", "008-shadow-accounts", "009-stress",
            ])
        #expect(try await store.migrate().isEmpty)
        try await store.recountUses()
        #expect(try database.cell("SELECT uses FROM host") == "2")
        #expect(try await store.displays(on: .node1).map(\.state) == [.used, .starting])
        #expect(try await store.sessions(of: .alice).map(\.number) == [SessionNumber(5)])
        let record = try #require(try await store.beginEnd(SessionNumber(5), reason: "stopped"))
        try await store.finishEnd(record.number, accounts: .some, failedStart: false)
        try await store.closeEnd(record.number, final: nil)
        for display in try await store.displays(on: .node1) {
            try await store.releaseDisplay(display.number, key: display.key, on: .node1)
        }
        #expect(try database.cell("SELECT uses FROM host") == "0")
        #expect(try database.cell("SELECT COUNT(*) FROM session") == "0")
        #expect(
            try database.sql("SELECT walltime, remoteip, zone_id FROM sessionlog WHERE sessnum = 5")
                == [["12.5", "10.0.0.7", "3"]])
        let id = try await database.makeReady()
        #expect(try await database.begun(.alice, .ready([id]))?.number == SessionNumber(6))
    }

    @Test("an applied step whose text was changed is refused, and nothing else is applied")
    func changedStep() async throws {
        let database = try TestDatabase()
        let first = Migration(name: "001-a", text: "CREATE TABLE a (x int)")
        _ = try await database.store.migrate([first])
        let changed = Migration(name: "001-a", text: "CREATE TABLE a (y int)")
        let second = Migration(name: "002-b", text: "CREATE TABLE b (x int)")
        await #expect(throws: StoreError.changedMigration("001-a")) {
            try await database.store.migrate([changed, second])
        }
        #expect(try database.sql("SHOW TABLES LIKE 'b'").isEmpty)
    }

    @Test("a step that fails is not recorded, and is applied when it was mended")
    func failedStep() async throws {
        let database = try TestDatabase()
        let broken = Migration(name: "001-a", text: "CREATE TABLE a (x int); CREATE GARBAGE;")
        await #expect(throws: StoreError.self) { try await database.store.migrate([broken]) }
        #expect(try database.cell("SELECT COUNT(*) FROM mw_migration") == "0")
        let mended = Migration(name: "001-a", text: "CREATE TABLE IF NOT EXISTS a (x int); CREATE TABLE b (x int);")
        #expect(try await database.store.migrate([mended]) == ["001-a"])
    }

    @Test("of runs at the same time one applies each step")
    func concurrentRuns() async throws {
        let database = try TestDatabase()
        let applied = try await withThrowingTaskGroup(of: [String].self) { group in
            for _ in 0..<4 { group.addTask { try await database.store.migrate() } }
            return try await group.reduce(into: [String]()) { $0 += $1 }
        }
        #expect(applied == Migration.all.map(\.name))
    }

    @Test("every file in sql is a step, and every step is a file")
    func filesAndSteps() throws {
        let names = try runCommand(["/bin/ls", sqlFolder]).output.split(separator: "\n").map { $0.dropLast(4) }
        #expect(names.map(String.init) == Migration.all.map(\.name))
        for migration in Migration.all {
            let file = try runCommand(["/bin/cat", "\(sqlFolder)/\(migration.name).sql"]).output
            #expect(file == migration.text)
        }
    }

    private var sqlFolder: String {
        #filePath.split(separator: "/").dropLast(3).reduce("") { $0 + "/" + $1 } + "/sql"
    }

    private let schema = """
        SELECT table_name, column_name, column_type, is_nullable, column_default FROM information_schema.columns
        WHERE table_schema = DATABASE() ORDER BY table_name, ordinal_position
        """
}

/// The columns of a current portal (hubzero-cms: the installer's SQL and its migrations of 2012–2023).
let portalColumns: [String: [String]] = [
    "display": ["hostname", "dispnum", "geometry", "depth", "sessnum", "vncpass", "status"],
    "fileperm": ["sessnum", "fileuser", "fwhost", "fwport", "cookie"],
    "host": [
        "hostname", "provisions", "status", "uses", "portbase", "zone_id", "max_uses", "first_display", "service_host",
    ],
    "hosttype": ["name", "value", "description"],
    "job": [
        "sessnum", "jobid", "superjob", "username", "event", "ncpus", "venue", "start", "heartbeat", "active",
        "jobtoken",
    ],
    "joblog": [
        "sessnum", "job", "superjob", "event", "start", "walltime", "cputime", "ncpus", "status", "venue", "zone_id",
        "end",
    ],
    "session": [
        "sessnum", "username", "remoteip", "exechost", "dispnum", "start", "accesstime", "timeout", "appname",
        "sessname", "sesstoken", "params", "zone_id",
    ],
    "sessionlog": [
        "sessnum", "username", "remoteip", "remotehost", "exechost", "dispnum", "start", "appname", "walltime",
        "viewtime", "cputime", "status", "zone_id",
    ],
    "sessionpriv": ["privid", "sessnum", "privilege", "start"],
    "view": ["viewid", "sessnum", "username", "remoteip", "start", "heartbeat"],
    "viewlog": ["sessnum", "username", "remoteip", "remotehost", "time", "duration"],
    "viewperm": ["sessnum", "viewuser", "viewtoken", "geometry", "fwhost", "fwport", "vncpass", "readonly"],
    "zones": [
        "id", "zone", "title", "state", "is_default", "type", "master", "mw_version", "ssh_key_path", "description",
        "params", "picture",
    ],
]
