import SessionModel

extension Database {
    /// Takes the lowest free display number of `host`; nil when `max_uses` or the uid range is used up, or there is
    /// no such host. The host's row counts the use before the number is chosen: on InnoDB its lock makes claims on
    /// one host wait for each other, on MyISAM a lost race shows as a duplicate key and the next number is tried.
    public func claimDisplayNumber(
        on host: HostName, key: Secret, password: Secret, geometry: Geometry, depth: Int, uidBase: UInt32,
        uidCount: UInt32
    ) async throws(StoreError) -> ClaimedDisplay? {
        try await run { connection throws(StoreError) in
            try connection.transaction { () throws(StoreError) -> ClaimedDisplay? in
                let counted = try connection.execute(
                    "UPDATE host SET uses = uses + 1 WHERE hostname = ? AND (max_uses = 0 OR uses < max_uses)", host)
                guard counted == 1 else { return nil }
                do throws(StoreError) {
                    let last = min(65535, Int(uidCount) - 1)
                    while let number = try Self.lowestFreeNumber(connection, host, last: last) {
                        let uid = uidBase + UInt32(number.value)
                        do throws(StoreError) {
                            try connection.execute(
                                """
                                INSERT INTO mw_display
                                  (hostname, dispnum, state, link_key, uid, password, geometry, depth, created)
                                VALUES (?, ?, 'starting', ?, ?, ?, ?, ?, UTC_TIMESTAMP(3))
                                """, host, number, key, uid, password, geometry, depth)
                        } catch .duplicate {
                            continue
                        }
                        try connection.execute(
                            """
                            REPLACE INTO display (hostname, dispnum, geometry, depth, sessnum, vncpass, status)
                            VALUES (?, ?, ?, ?, 0, ?, 'used')
                            """, host, number, geometry, depth, VNCPassword.obfuscated(password))
                        return ClaimedDisplay(host: host, number: number, uid: uid)
                    }
                } catch {
                    connection.abandonTransaction()
                    if (try? Self.rollsBackHosts(connection)) == false { try? Self.giveBackUse(connection, host) }
                    throw error
                }
                try Self.giveBackUse(connection, host)
                return nil
            }
        }
    }

    /// Notes that a display's server answers, under which boot of its host.
    public func markDisplayReady(
        _ number: DisplayNumber, on host: HostName, bootID: String
    ) async throws(StoreError) {
        try await run(repeatable: true) { connection throws(StoreError) in
            try connection.execute(
                "UPDATE mw_display SET state = 'ready', boot_id = ? WHERE hostname = ? AND dispnum = ? AND state = 'starting'",
                bootID, host, number)
        }
    }

    /// Gives the number of the display with the data link key `key` back. Once it is back, or was never taken, or
    /// another display has it by now, nothing changes.
    public func releaseDisplay(_ number: DisplayNumber, key: Secret, on host: HostName) async throws(StoreError) {
        try await run(repeatable: true) { connection throws(StoreError) in
            try connection.transaction { () throws(StoreError) in
                try connection.execute(
                    """
                    UPDATE display SET status = 'absent', sessnum = 0, vncpass = ''
                    WHERE hostname = ? AND dispnum = ? AND NOT EXISTS (
                      SELECT 1 FROM mw_display d
                      WHERE d.hostname = display.hostname AND d.dispnum = display.dispnum AND d.link_key <> ?)
                    """, host, number, key)
                let removed = try connection.execute(
                    "DELETE FROM mw_display WHERE hostname = ? AND dispnum = ? AND link_key = ?", host, number, key)
                if removed == 1 { try Self.giveBackUse(connection, host) }
            }
        }
    }

    /// The displays that are claimed on `host`, by number.
    public func displays(on host: HostName) async throws(StoreError) -> [DisplayRecord] {
        try await run(repeatable: true) { connection throws(StoreError) in
            let rows = try connection.query(
                """
                SELECT dispnum, state, sessnum, link_key, uid, boot_id,
                  TIMESTAMPDIFF(SECOND, created, UTC_TIMESTAMP(3))
                FROM mw_display WHERE hostname = ? ORDER BY dispnum
                """, host)
            var records: [DisplayRecord] = []
            for row in rows {
                records.append(
                    DisplayRecord(
                        number: try row.display(0), state: row.text(1),
                        session: row.optional(2).map { _ in SessionNumber(row.unsigned(2)) },
                        key: Secret(row.text(3)), uid: UInt32(clamping: row.integer(4)), bootID: row.text(5),
                        age: row.integer(6)))
            }
            return records
        }
    }

    /// Sets `host.uses` of every host that was added here to its number of claimed displays: a crash between two
    /// writes to MyISAM tables may have left another figure.
    public func recountUses() async throws(StoreError) {
        try await run(repeatable: true) { connection throws(StoreError) in
            try connection.execute(
                """
                UPDATE host SET uses = (SELECT COUNT(*) FROM mw_display d WHERE d.hostname = host.hostname)
                WHERE hostname IN (SELECT hostname FROM mw_host)
                """)
        }
    }

    private static func lowestFreeNumber(
        _ connection: Connection, _ host: HostName, last: Int
    ) throws(StoreError) -> DisplayNumber? {
        let rows = try connection.query(
            """
            SELECT MIN(free.number) FROM (
              SELECT GREATEST(first_display, 1) AS number FROM host WHERE hostname = ?
              UNION ALL
              SELECT d.dispnum + 1 FROM mw_display d JOIN host h ON h.hostname = d.hostname
              WHERE d.hostname = ? AND d.dispnum >= h.first_display
            ) free
            LEFT JOIN mw_display taken ON taken.hostname = ? AND taken.dispnum = free.number
            WHERE taken.dispnum IS NULL AND free.number <= ?
            """, host, host, host, last)
        guard let row = rows.first, row.optional(0) != nil else { return nil }
        return try row.display(0)
    }

    /// Whether a transaction that failed took its use of the host back with it.
    private static func rollsBackHosts(_ connection: Connection) throws(StoreError) -> Bool {
        try connection.query(
            """
            SELECT engine = 'InnoDB' FROM information_schema.tables
            WHERE table_schema = DATABASE() AND table_name = 'host'
            """
        ).first?.integer(0) == 1
    }

    private static func giveBackUse(_ connection: Connection, _ host: HostName) throws(StoreError) {
        try connection.execute("UPDATE host SET uses = uses - 1 WHERE hostname = ? AND uses > 0", host)
    }
}
