import SessionModel

extension Database {
    /// Brings the schema up to date and gives the names of the steps it applied; none when it was. Two at a time
    /// wait for each other. Throws ``StoreError/changedMigration(_:)`` when a step's text is another than when it was
    /// applied; then nothing is changed.
    public func migrate() async throws(StoreError) -> [String] {
        try await migrate(Migration.all)
    }

    func migrate(_ migrations: [Migration]) async throws(StoreError) -> [String] {
        // Changing a large table takes its time: this work has a connection of its own that waits for it.
        var patient = address
        patient.timeoutSeconds = 24 * 3600
        return try await run(named: "migrate") { [patient] _ throws(StoreError) in
            let connection = Connection(patient)
            try connection.prepareForJob()
            defer { connection.disconnect() }
            // A lock's name has at most 64 characters.
            let lock = try connection.query("SELECT GET_LOCK(CONCAT('mw_migration.', LEFT(DATABASE(), 50)), 600)")
            guard lock.first?.integer(0) == 1 else {
                throw .unavailable(cause: "another migration holds its lock for more than 10 minutes")
            }
            try connection.script(
                """
                CREATE TABLE IF NOT EXISTS mw_migration (
                  name varchar(100) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
                  checksum char(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
                  applied datetime NOT NULL
                ) ENGINE=InnoDB
                """)
            let pending = try Self.pending(migrations, connection)
            for migration in pending {
                try connection.script(migration.text)
                try connection.execute(
                    "INSERT INTO mw_migration (name, checksum, applied) VALUES (?, SHA2(?, 256), UTC_TIMESTAMP())",
                    migration.name, migration.text)
            }
            return pending.map(\.name)
        }
    }

    private static func pending(
        _ migrations: [Migration], _ connection: Connection
    ) throws(StoreError) -> [Migration] {
        var pending: [Migration] = []
        for migration in migrations {
            let row = try connection.query(
                "SELECT checksum = SHA2(?, 256) FROM mw_migration WHERE name = ?", migration.text, migration.name
            ).first
            guard let row else {
                pending.append(migration)
                continue
            }
            guard row.integer(0) == 1 else { throw .changedMigration(migration.name) }
        }
        return pending
    }
}
