import SessionModel

extension Database {
    /// Keeps a start that never had a display, as a failed session: the portal has no row of it. Gives its number.
    public func recordFailedStart(
        _ session: NewSession, reason: String, errorID: String?, steps: String
    ) async throws(StoreError) -> SessionNumber {
        try await run { connection throws(StoreError) in
            try connection.transaction { () throws(StoreError) -> SessionNumber in
                // The number comes from the portal's table, like all; a row that a crash leaves there names a host of
                // ours, by which it is found again.
                try connection.execute(
                    """
                    INSERT INTO session (username, exechost, start, accesstime, appname, sessname)
                    VALUES (?, COALESCE((SELECT MIN(hostname) FROM mw_host), ''), NOW(), NOW(), ?, '')
                    """, session.owner, session.application)
                let number = SessionNumber(connection.lastInsertID)
                do throws(StoreError) {
                    try connection.execute(
                        """
                        INSERT INTO mw_session (sessnum, state, kind, owner, application, hostname, dispnum, geometry,
                          timeout, with_gl, stress, reason, error_id, steps, started, ended)
                        VALUES (?, 'failed', ?, ?, ?, '', 0, ?, ?, ?, ?, ?, ?, ?, UTC_TIMESTAMP(3), UTC_TIMESTAMP(3))
                        """, number, session.kind, session.owner, session.application, session.geometry,
                        session.timeout, session.withGL, session.stress?.rawValue, String(reason.prefix(255)),
                        errorID.map { String($0.prefix(64)) }, steps)
                } catch {
                    // Where the engine rolls nothing back, the row goes by hand.
                    _ = try? connection.execute("DELETE FROM session WHERE sessnum = ?", number)
                    throw error
                }
                try connection.execute("DELETE FROM session WHERE sessnum = ?", number)
                return number
            }
        }
    }

    /// Everything that is known of a session's life; nil when it is none of ours, or too long ago.
    public func story(of number: SessionNumber) async throws(StoreError) -> SessionStory? {
        try await run(repeatable: true) { connection throws(StoreError) in
            guard let record = try Self.record(of: number, connection) else { return nil }
            return try connection.query(
                """
                SELECT running, ended, exit_status, steps, log_tail, walltime, viewtime, cputime
                FROM mw_session WHERE sessnum = ?
                """, number
            ).first.map { row in
                SessionStory(
                    record: record, running: row.optional(0), ended: row.optional(1),
                    exitStatus: row.optional(2).map { _ in row.integer(2) }, steps: row.optional(3),
                    logTail: row.optional(4), wall: row.optional(5).map { _ in row.real(5) },
                    view: row.optional(6).map { _ in row.real(6) }, cpu: row.optional(7).map { _ in row.real(7) })
            }
        }
    }

    /// Forgets sessions that ended more than so many days ago, a thousand at a time; gives how many. The portal's
    /// `sessionlog` keeps theirs. Those of load tests go by ``removeStressRows(endedDaysAgo:)``.
    public func removeOldSessions(days: Int) async throws(StoreError) -> Int {
        try await run(repeatable: true) { connection throws(StoreError) in
            var removed = 0
            while true {
                let batch = Int(
                    try connection.execute(
                        """
                        DELETE FROM mw_session
                        WHERE state IN ('ended', 'failed') AND ended < UTC_TIMESTAMP(3) - INTERVAL ? DAY AND stress IS NULL
                        LIMIT 1000
                        """, days))
                removed += batch
                if batch < 1000 { return removed }
            }
        }
    }
}
