import SessionModel

extension Database {
    /// Begins a session's end. Of all who ask, one gets the record and carries the end out; nil for the others, for
    /// a session that has ended and for an unknown one.
    public func beginEnd(
        _ number: SessionNumber, reason: String, errorID: String? = nil
    ) async throws(StoreError) -> SessionRecord? {
        try await run { connection throws(StoreError) in
            let won = try connection.execute(
                """
                UPDATE mw_session SET state = 'ending', reason = ?, error_id = ?, ending = UTC_TIMESTAMP(3)
                WHERE sessnum = ? AND state IN ('starting', 'running')
                """, String(reason.prefix(255)), errorID.map { String($0.prefix(64)) }, number)
            return won == 1 ? try Self.record(of: number, connection) : nil
        }
    }

    /// Finishes a session's end: its accounts are written, then its rows go, and last it is `ended`. A session that
    /// never came to run (`failedStart`) leaves no `sessionlog` row and is `failed`. May be repeated after a crash
    /// anywhere in it: what was written is not written again, and until the last step the session is `ending`. The
    /// application's exit status, the end of its log and what the start tried are kept for ``story(of:)`` where known.
    public func finishEnd(
        _ number: SessionNumber, accounts: SessionAccounts, failedStart: Bool, exitStatus: Int? = nil,
        logTail: String? = nil, steps: String? = nil
    ) async throws(StoreError) {
        try await run(repeatable: true) { connection throws(StoreError) in
            try connection.transaction { () throws(StoreError) in
                let open = try connection.query(
                    """
                    SELECT viewid, TIMESTAMPDIFF(MICROSECOND, opened, UTC_TIMESTAMP(3)) / 1000000
                    FROM mw_view WHERE sessnum = ? AND duration IS NULL
                    """, number)
                for row in open {
                    try Self.close(row.unsigned(0), after: row.real(1), connection)
                }
                let viewTime = try Self.viewTime(of: number, connection)
                if !failedStart {
                    try Self.writeLogs(of: number, accounts, viewTime: viewTime, connection)
                }
                try connection.execute("DELETE FROM viewperm WHERE sessnum = ?", number)
                try connection.execute("DELETE FROM mw_ticket WHERE sessnum = ?", number)
                try connection.execute("DELETE FROM view WHERE sessnum = ?", number)
                try connection.execute("DELETE FROM fileperm WHERE sessnum = ?", number)
                try connection.execute("DELETE FROM job WHERE sessnum = ?", number)
                try connection.execute("DELETE FROM session WHERE sessnum = ?", number)
                let ended = try connection.execute(
                    """
                    UPDATE mw_session
                    SET state = ?, ended = UTC_TIMESTAMP(3), walltime = ?, viewtime = ?, cputime = ?,
                      exit_status = COALESCE(?, exit_status), log_tail = COALESCE(?, log_tail),
                      steps = COALESCE(?, steps)
                    WHERE sessnum = ? AND state NOT IN ('ended', 'failed')
                    """, failedStart ? "failed" : "ended", max(0, accounts.wall), viewTime, max(0, accounts.cpu),
                    exitStatus, logTail, steps, number)
                if ended == 1 { try connection.execute("DELETE FROM mw_view WHERE sessnum = ?", number) }
            }
        }
    }

    /// Removes what a crash within ``beginSession(_:claiming:limits:)`` left on tables that roll nothing back: `session` rows on
    /// hosts of ours, older than a minute, that no other table knows of. Gives how many there were.
    public func removeHalfBegun() async throws(StoreError) -> Int {
        try await run(repeatable: true) { connection throws(StoreError) in
            Int(
                try connection.execute(
                    """
                    DELETE s FROM session s
                    JOIN mw_host h ON h.hostname = s.exechost
                    LEFT JOIN mw_session m ON m.sessnum = s.sessnum
                    LEFT JOIN viewperm p ON p.sessnum = s.sessnum
                    WHERE m.sessnum IS NULL AND p.sessnum IS NULL AND s.start < NOW() - INTERVAL 60 SECOND
                    """))
        }
    }

    /// A row each in `sessionlog` and, as job 0, in `joblog`; rows that are there stay as they are.
    private static func writeLogs(
        of number: SessionNumber, _ accounts: SessionAccounts, viewTime: Double, _ connection: Connection
    ) throws(StoreError) {
        let status = min(max(0, accounts.status), 65535)
        try connection.execute(
            """
            INSERT IGNORE INTO sessionlog (sessnum, username, remoteip, remotehost, exechost, dispnum, start, appname,
              walltime, viewtime, cputime, status, zone_id)
            SELECT sessnum, username, remoteip, '', exechost, dispnum, start, appname, ?, ?, ?, ?, zone_id
            FROM session WHERE sessnum = ?
            """, max(0, accounts.wall), viewTime, max(0, accounts.cpu), status, number)
        try connection.execute(
            """
            INSERT IGNORE INTO joblog
              (sessnum, job, superjob, event, start, walltime, cputime, ncpus, status, venue, zone_id, `end`)
            SELECT sessnum, 0, 0, 'application', start, ?, ?, 1, ?, '', zone_id, NOW()
            FROM session WHERE sessnum = ?
            """, max(0, accounts.wall), max(0, accounts.cpu), status, number)
    }

    /// Seconds in which at least one viewer watched.
    private static func viewTime(of number: SessionNumber, _ connection: Connection) throws(StoreError) -> Double {
        let rows = try connection.query(
            """
            SELECT TIMESTAMPDIFF(MICROSECOND, '2000-01-01', opened) / 1000000, duration
            FROM mw_view WHERE sessnum = ? AND duration IS NOT NULL
            """, number)
        return unionLength(rows.map { ($0.real(0), $0.real(1)) })
    }
}
