import SessionModel

extension Database {
    /// Takes a session's display from it. What is not that session's stays as it is.
    public func dropDisplay(
        _ id: DisplayID, of number: SessionNumber, as reason: DropReason
    ) async throws(StoreError) {
        try await run(repeatable: true) { connection throws(StoreError) in
            try connection.transaction { () throws(StoreError) in
                let row = try connection.query(
                    "SELECT counted FROM mw_display WHERE hostname = ? AND dispnum = ? AND sessnum = ? FOR UPDATE",
                    id.host, id.number, number
                ).first
                guard let row else { return }
                switch reason {
                case .broken(let words):
                    try connection.execute(
                        """
                        UPDATE mw_display SET state = 'broken', reason = ?, sessnum = NULL, counted = 0, since = UTC_TIMESTAMP(3)
                        WHERE hostname = ? AND dispnum = ?
                        """, String(words.prefix(255)), id.host, id.number)
                    try Self.showPortal("broken", id, connection)
                case .gone:
                    try connection.execute(
                        "DELETE FROM mw_display WHERE hostname = ? AND dispnum = ?", id.host, id.number)
                    try Self.showPortal("absent", id, connection)
                }
                if row.integer(0) == 1 { try Self.giveBackUse(connection, id.host) }
            }
        }
        takenNumbers.forget(id.host)
    }

    /// Gives the number of the display with the data link key `key` back. Once it is back, or was never taken, or
    /// another display has it by now, nothing changes.
    public func releaseDisplay(_ number: DisplayNumber, key: Secret, on host: HostName) async throws(StoreError) {
        try await run(repeatable: true) { connection throws(StoreError) in
            try connection.transaction { () throws(StoreError) in
                let removed = try connection.query(
                    "DELETE FROM mw_display WHERE hostname = ? AND dispnum = ? AND link_key = ? RETURNING counted",
                    host, number, key)
                guard let row = removed.first else { return }
                try Self.showPortal("absent", DisplayID(host: host, number: number), connection)
                if row.integer(0) == 1 { try Self.giveBackUse(connection, host) }
            }
        }
        takenNumbers.forget(host)
    }

    /// The displays that are claimed on `host`, by number.
    public func displays(on host: HostName) async throws(StoreError) -> [DisplayRecord] {
        try await run(repeatable: true) { connection throws(StoreError) in
            let rows = try connection.query(
                """
                SELECT dispnum, state, sessnum, link_key, uid, boot_id, with_gl, template, reason,
                  TIMESTAMPDIFF(SECOND, COALESCE(since, created), UTC_TIMESTAMP(3))
                FROM mw_display WHERE hostname = ? ORDER BY dispnum
                """, host)
            var records: [DisplayRecord] = []
            for row in rows {
                guard let state = DisplayState(rawValue: row.text(1)) else {
                    throw .internal(cause: "display \(row.text(0)) of \(host) has no known state")
                }
                records.append(
                    DisplayRecord(
                        number: try row.display(0), state: state,
                        session: row.optional(2).map { _ in SessionNumber(row.unsigned(2)) },
                        key: Secret(row.text(3)), uid: UInt32(clamping: row.integer(4)), bootID: row.text(5),
                        withGL: row.integer(6) == 1, template: row.text(7), reason: row.text(8), age: row.integer(9)))
            }
            return records
        }
    }

    /// Sets `host.uses` of every host that was added here to its number of counted displays: a crash between two
    /// writes to MyISAM tables may have left another figure.
    public func recountUses() async throws(StoreError) {
        try await run(repeatable: true) { connection throws(StoreError) in
            for row in try connection.query("SELECT hostname FROM mw_host") {
                let host = row.text(0)
                try connection.transaction { () throws(StoreError) in
                    // Who takes a display right now is waited for; only then it is counted.
                    _ = try connection.query("SELECT uses FROM host WHERE hostname = ? FOR UPDATE", host)
                    try connection.execute(
                        """
                        UPDATE host SET uses = (SELECT COUNT(*) FROM mw_display d WHERE d.hostname = ? AND d.counted = 1)
                        WHERE hostname = ?
                        """, host, host)
                }
            }
        }
    }

    /// Lets the portal see a display that no session has, as "ready", "broken" or "absent".
    static func showPortal(_ status: String, _ id: DisplayID, _ connection: Connection) throws(StoreError) {
        try connection.execute(
            """
            UPDATE display SET status = ?, sessnum = 0, vncpass = IF(status = 'ready', vncpass, '')
            WHERE hostname = ? AND dispnum = ?
            """, status, id.host, id.number)
    }
}
