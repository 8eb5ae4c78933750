import SessionModel

extension Database {
    /// Every host of the `host` table, by name. Rows whose name is no host name are left out.
    public func hosts() async throws(StoreError) -> [HostRecord] {
        try await run(repeatable: true) { connection throws(StoreError) in
            // Ordered here: with a key of ssh among the columns MariaDB would write a file to order them, at each start.
            try connection.query(Self.eachHost).compactMap(Self.hostRecord).sorted { $0.name < $1.name }
        }
    }

    /// The host called `name`; nil when there is none.
    public func host(_ name: HostName) async throws(StoreError) -> HostRecord? {
        try await run(repeatable: true) { connection throws(StoreError) in
            try connection.query(Self.eachHost + "WHERE h.hostname = ?", name).first.flatMap(Self.hostRecord)
        }
    }

    /// What ``hostRecord(_:)`` reads.
    private static let eachHost = """
        SELECT h.hostname, h.status, h.provisions, h.uses, h.max_uses, h.first_display, h.zone_id,
          z.zone, z.id IS NULL OR z.state = 'up',
          m.address, m.port, m.account, m.ssh_host_key, m.run_folder, m.isolation, m.boot_id, m.agent_version,
          m.failures, m.set_aside, m.probes
        FROM host h
        LEFT JOIN zones z ON z.id = h.zone_id
        LEFT JOIN mw_host m ON m.hostname = h.hostname

        """

    /// The bit of each kind of host.
    public func hostTypes() async throws(StoreError) -> [String: UInt64] {
        try await run(repeatable: true) { connection throws(StoreError) in
            var types: [String: UInt64] = [:]
            for row in try connection.query("SELECT name, value FROM hosttype") { types[row.text(0)] = row.unsigned(1) }
            return types
        }
    }

    /// The zone called `name`; nil when there is none.
    public func zone(named name: ZoneName) async throws(StoreError) -> ZoneRecord? {
        try await run(repeatable: true) { connection throws(StoreError) in
            try connection.query("SELECT id, zone, state = 'up', is_default FROM zones WHERE zone = ? LIMIT 1", name)
                .first.map(Self.zoneRecord)
        }
    }

    /// Records a host, or records it anew: it is up from then on.
    public func addHost(_ host: HostAddition) async throws(StoreError) {
        try await run(repeatable: true) { connection throws(StoreError) in
            try connection.transaction { () throws(StoreError) in
                try connection.execute(
                    """
                    INSERT INTO host (hostname, provisions, status, uses, portbase, zone_id, max_uses, first_display)
                    VALUES (?, ?, 'up', 0, 0,
                      COALESCE(?, (SELECT id FROM zones ORDER BY is_default DESC, id LIMIT 1), 0), ?, 1)
                    ON DUPLICATE KEY UPDATE provisions = VALUES(provisions), status = 'up', zone_id = VALUES(zone_id),
                      max_uses = VALUES(max_uses)
                    """, host.name, host.provisions, host.zoneID, host.maximumUses)
                try connection.execute(
                    """
                    INSERT INTO mw_host (hostname, address, port, account, ssh_host_key, run_folder, added)
                    VALUES (?, ?, ?, ?, ?, ?, UTC_TIMESTAMP())
                    ON DUPLICATE KEY UPDATE address = VALUES(address), port = VALUES(port), account = VALUES(account),
                      ssh_host_key = VALUES(ssh_host_key), run_folder = VALUES(run_folder), failures = 0,
                      set_aside = NULL, probe_at = NULL, probes = 0
                    """, host.name, host.address, host.port, host.account, host.sshHostKey, host.runFolder)
            }
        }
    }

    /// Sets what an administrator says of `host`; whether it was set aside is forgotten.
    public func setHostStatus(_ host: HostName, to status: HostStatus) async throws(StoreError) {
        try await run(repeatable: true) { connection throws(StoreError) in
            try connection.transaction { () throws(StoreError) in
                try connection.execute("UPDATE host SET status = ? WHERE hostname = ?", status.rawValue, host)
                try connection.execute(
                    """
                    UPDATE mw_host SET failures = 0, set_aside = NULL, probe_at = NULL, probes = 0 WHERE hostname = ?
                    """, host)
            }
        }
    }

    /// Keeps what a host's agent told in its hello.
    public func noteHost(
        _ host: HostName, bootID: String, isolation: String, agentVersion: String
    ) async throws(StoreError) {
        try await run(repeatable: true) { connection throws(StoreError) in
            try connection.execute(
                "UPDATE mw_host SET boot_id = ?, isolation = ?, agent_version = ? WHERE hostname = ?",
                bootID, isolation, agentVersion, host)
        }
    }

    private static func hostRecord(_ row: Row) -> HostRecord? {
        guard let name = try? HostName(row.text(0)) else { return nil }
        let access = row.optional(9).map { address in
            HostRecord.Access(
                address: address, port: row.integer(10), account: row.text(11), sshHostKey: row.text(12),
                runFolder: row.text(13), isolation: row.text(14), bootID: row.text(15), agentVersion: row.text(16),
                failures: row.integer(17), setAside: row.optional(18), probes: row.integer(19))
        }
        return HostRecord(
            name: name, status: row.text(1), provisions: row.unsigned(2), uses: row.integer(3),
            maximumUses: row.integer(4), firstDisplay: max(1, row.integer(5)), zoneID: row.integer(6),
            zone: row.optional(7), isZoneUp: row.integer(8) == 1, access: access)
    }

    private static func zoneRecord(_ row: Row) -> ZoneRecord {
        ZoneRecord(id: row.integer(0), name: row.text(1), isUp: row.integer(2) == 1, isDefault: row.integer(3) != 0)
    }
}
