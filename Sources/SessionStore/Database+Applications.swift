import SessionModel

extension Database {
    /// The portal's application of that instance name (`workspace_r12`); nil when the portal has no such row, is
    /// not there at all, or retired it.
    public func portalApplication(_ name: ApplicationName) async throws(StoreError) -> Application? {
        try await run(repeatable: true) { connection throws(StoreError) in
            guard let prefix = try self.portalPrefix(connection) else { return nil }
            let rows = try connection.query(
                """
                SELECT id, instance, title, vnc_command, vnc_geometry, vnc_depth, vnc_timeout
                FROM `\(prefix)tool_version` WHERE instance = ? AND state IN (1, 3) ORDER BY id DESC LIMIT 1
                """, name)
            return try rows.first.flatMap { row throws(StoreError) in
                Self.application(row, requirements: try Self.requirements(of: row.integer(0), prefix, connection))
            }
        }
    }

    /// Every application the portal has published or in development, by name.
    public func portalApplications() async throws(StoreError) -> [Application] {
        try await run(repeatable: true) { connection throws(StoreError) in
            guard let prefix = try self.portalPrefix(connection) else { return [] }
            let rows = try connection.query(
                """
                SELECT id, instance, title, vnc_command, vnc_geometry, vnc_depth, vnc_timeout
                FROM `\(prefix)tool_version` WHERE state IN (1, 3) ORDER BY instance
                """)
            var applications: [Application] = []
            for row in rows {
                let requirements = try Self.requirements(of: row.integer(0), prefix, connection)
                if let application = Self.application(row, requirements: requirements) {
                    applications.append(application)
                }
            }
            return applications
        }
    }

    /// What the portal's own tables are called by; nil when this database holds no portal.
    private func portalPrefix(_ connection: Connection) throws(StoreError) -> String? {
        if let known = foundPrefix.withLock({ $0 }) { return known }
        let table = address.portalPrefix.map { $0 + "tool_version" }
        let names = try connection.query(
            """
            SELECT table_name FROM information_schema.tables
            WHERE table_schema = DATABASE() AND (table_name = ? OR (? IS NULL AND table_name LIKE '%\\_tool\\_version'))
            ORDER BY table_name = 'jos_tool_version' DESC, table_name
            """, table, table)
        let prefixes = names.map { String($0.text(0).dropLast("tool_version".count)) }
        guard let prefix = prefixes.first(where: { !$0.contains("`") }) else { return nil }
        foundPrefix.withLock { $0 = prefix }
        return prefix
    }

    private static func requirements(
        of version: Int, _ prefix: String, _ connection: Connection
    ) throws(StoreError) -> [String] {
        try connection.query(
            "SELECT hostreq FROM `\(prefix)tool_version_hostreq` WHERE tool_version_id = ? ORDER BY hostreq", version
        ).map { $0.text(0) }.filter { !$0.isEmpty }
    }

    /// A row whose name or command is none makes no application; odd sizes get the usual one.
    private static func application(_ row: Row, requirements: [String]) -> Application? {
        guard let name = try? ApplicationName(row.text(1)), !row.text(3).isEmpty else { return nil }
        let depth = row.integer(5)
        return Application(
            name: name, title: row.text(2).isEmpty ? name.text : row.text(2), command: row.text(3),
            geometry: row.geometry(4), depth: [8, 16, 24].contains(depth) ? depth : 24,
            timeout: row.integer(6) > 0 ? row.integer(6) : 86400, hostRequirements: requirements)
    }
}
