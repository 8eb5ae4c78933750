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

    /// Keeps what a session that is `ending` had used when its end began: for whoever finishes it when its host does not
    /// know any more.
    public func noteAccount(_ number: SessionNumber, wall: Double, cpu: Double) async throws(StoreError) {
        try await run(repeatable: true) { connection throws(StoreError) in
            try connection.execute(
                """
                UPDATE mw_session SET final_wall = ?, final_cpu = ?
                WHERE sessnum = ? AND state = 'ending' AND moved = 0 AND final_wall IS NULL
                """, Self.figure(wall), Self.figure(cpu), number)
        }
    }

    /// Moves a session that is `ending` from the portal's tables to its logs. First its account is fixed: the first
    /// caller's figures stay, and only what was missing is added later. Views that are open end at what is proven;
    /// `walltime` is at least the time in which anybody watched. Then the logs are written from what is fixed, and the
    /// portal's rows go: it ``SessionRecord/isMoved``, and `ending` until ``closeEnd(_:final:)``. A session that never
    /// came to run (`failedStart`) leaves no logs. May be repeated after a crash anywhere in it: what was written is not
    /// written again. The application's exit status, the end of its log and what the start tried are kept for
    /// ``story(of:)`` where known.
    public func finishEnd(
        _ number: SessionNumber, accounts: SessionAccounts, failedStart: Bool, exitStatus: Int? = nil,
        logTail: String? = nil, steps: String? = nil
    ) async throws(StoreError) {
        try await run(repeatable: true) { connection throws(StoreError) in
            let isEnding = try connection.transaction { () throws(StoreError) -> Bool in
                guard let end = try Self.lockEnd(of: number, connection), !end.isMoved else { return false }
                try Self.fixViews(of: number, connection)
                if !end.isFixed {
                    try Self.fixAccount(of: number, accounts, failedStart: failedStart, connection)
                }
                // What was known first stays, save that the steps of a start that failed replace those before.
                try connection.execute(
                    """
                    UPDATE mw_session
                    SET exit_status = COALESCE(exit_status, ?), log_tail = COALESCE(log_tail, ?), steps = COALESCE(?, steps)
                    WHERE sessnum = ?
                    """, exitStatus, logTail, end.isFixed ? nil : steps, number)
                return true
            }
            guard isEnding else { return }
            try connection.transaction { () throws(StoreError) in
                guard let end = try Self.lockEnd(of: number, connection), !end.isMoved else { return }
                try Self.logViews(of: number, connection)
                try Self.move(number, status: accounts.status, isFailed: end.isFailed, connection)
                try connection.execute("DELETE FROM mw_ticket WHERE sessnum = ?", number)
                try connection.execute("DELETE FROM mw_view WHERE sessnum = ? AND logged = 1", number)
                try connection.execute("UPDATE mw_session SET moved = 1 WHERE sessnum = ?", number)
            }
        }
    }

    /// Closes the end of a session whose last process has ended: it is `ended`, or `failed`. What it used until then is
    /// kept beside what was fixed, and `exitStatus` where none was known. A session that is not ``SessionRecord/isMoved`` or
    /// has ended stays as it is.
    public func closeEnd(
        _ number: SessionNumber, final: SessionAccounts?, exitStatus: Int? = nil
    ) async throws(StoreError) {
        try await run(repeatable: true) { connection throws(StoreError) in
            try connection.transaction { () throws(StoreError) in
                guard let end = try Self.lockEnd(of: number, connection), end.isMoved else { return }
                // A MyISAM table may have lost what was written to it, even after the commit.
                try Self.move(number, status: final?.status ?? 0, isFailed: end.isFailed, connection)
                try connection.execute(
                    """
                    UPDATE mw_session
                    SET state = IF(is_failed, 'failed', 'ended'), ended = UTC_TIMESTAMP(3),
                      final_wall = COALESCE(?, final_wall), final_cpu = COALESCE(?, final_cpu),
                      exit_status = COALESCE(exit_status, ?)
                    WHERE sessnum = ?
                    """, final.map { Self.figure($0.wall) }, final.map { Self.figure($0.cpu) }, exitStatus, number)
            }
        }
    }

    /// Removes what a crash within ``beginSession(_:claiming:limits:)`` left on tables that roll nothing back: `session` rows on
    /// hosts of ours, older than a minute, that no other table knows of. Gives how many there were.
    public func removeHalfBegun() async throws(StoreError) -> Int {
        try await run(repeatable: true) { connection throws(StoreError) in
            let alone = try connection.query(
                """
                SELECT s.sessnum FROM session s
                JOIN mw_host h ON h.hostname = s.exechost
                LEFT JOIN mw_session m ON m.sessnum = s.sessnum
                LEFT JOIN viewperm p ON p.sessnum = s.sessnum
                WHERE m.sessnum IS NULL AND p.sessnum IS NULL AND s.start < NOW() - INTERVAL 60 SECOND
                """)
            for row in alone { try connection.execute("DELETE FROM session WHERE sessnum = ?", row.unsigned(0)) }
            return alone.count
        }
    }

    /// How far a session's end is.
    private struct End {
        var isMoved: Bool
        var isFixed: Bool
        var isFailed: Bool
    }

    /// Locks the session's row; nil unless it is `ending`.
    private static func lockEnd(of number: SessionNumber, _ connection: Connection) throws(StoreError) -> End? {
        try connection.query(
            """
            SELECT moved, walltime IS NOT NULL, is_failed FROM mw_session
            WHERE sessnum = ? AND state = 'ending' FOR UPDATE
            """, number
        ).first.map { End(isMoved: $0.integer(0) == 1, isFixed: $0.integer(1) == 1, isFailed: $0.integer(2) == 1) }
    }

    private static func fixViews(of number: SessionNumber, _ connection: Connection) throws(StoreError) {
        let open = try connection.query(
            "SELECT viewid FROM mw_view WHERE sessnum = ? AND opened IS NOT NULL AND duration IS NULL ORDER BY viewid",
            number)
        // Its row is locked by this transaction, and has not moved.
        try fix(open.map { ViewEnding(view: $0.unsigned(0), cause: "its session ended") }, moved: [], connection)
    }

    private static func logViews(of number: SessionNumber, _ connection: Connection) throws(StoreError) {
        try mendLog(of: number, connection)
        let ended = try connection.query(
            "SELECT viewid FROM mw_view WHERE sessnum = ? AND duration IS NOT NULL AND logged = 0 ORDER BY viewid",
            number)
        try log(ended.map { $0.unsigned(0) }, moved: [], connection)
    }

    private static func fixAccount(
        of number: SessionNumber, _ accounts: SessionAccounts, failedStart: Bool, _ connection: Connection
    ) throws(StoreError) {
        let views = try connection.query(intervals + " WHERE sessnum = ? AND duration IS NOT NULL", number)
        let watched = ViewLedger.watched(views.map(interval))
        try connection.execute(
            "UPDATE mw_session SET walltime = ?, viewtime = ?, cputime = ?, is_failed = ? WHERE sessnum = ?",
            max(figure(accounts.wall), watched), watched, figure(accounts.cpu), failedStart, number)
    }

    private static func figure(_ seconds: Double) -> Double { max(0, finite(seconds)) }

    /// Writes the logs from what is fixed, and removes the portal's rows. The session's row is locked by this
    /// transaction: reading it here waits for nobody. Rows that are there stay as they are.
    private static func move(
        _ number: SessionNumber, status: Int, isFailed: Bool, _ connection: Connection
    ) throws(StoreError) {
        if !isFailed {
            let status = min(max(0, status), 65535)
            try connection.execute(
                """
                INSERT IGNORE INTO sessionlog (sessnum, username, remoteip, remotehost, exechost, dispnum, start, appname,
                  walltime, viewtime, cputime, status, zone_id)
                SELECT sessnum, owner, remoteip, '', hostname, dispnum, \(localStarted), application, walltime, viewtime,
                  cputime, LEAST(GREATEST(COALESCE(exit_status, ?), 0), 65535), zone_id
                FROM mw_session WHERE sessnum = ?
                """, status, number)
            try connection.execute(
                """
                INSERT IGNORE INTO joblog
                  (sessnum, job, superjob, event, start, walltime, cputime, ncpus, status, venue, zone_id, `end`)
                SELECT sessnum, 0, 0, 'application', \(localStarted), walltime, cputime, 1,
                  LEAST(GREATEST(COALESCE(exit_status, ?), 0), 65535), '', zone_id, NOW()
                FROM mw_session WHERE sessnum = ?
                """, status, number)
            try connection.execute(
                """
                INSERT IGNORE INTO joblog
                  (sessnum, job, superjob, event, start, walltime, cputime, ncpus, status, venue, zone_id, `end`)
                SELECT j.sessnum, j.jobid, j.superjob, j.event, j.start,
                  GREATEST(0, COALESCE(TIMESTAMPDIFF(SECOND, j.start, NOW()), 0)), 0, j.ncpus, 0, j.venue, m.zone_id, NOW()
                FROM mw_session m JOIN job j ON j.sessnum = m.sessnum
                WHERE m.sessnum = ? AND j.active <> 0 AND j.jobid > 0
                """, number)
        }
        for table in ["viewperm", "view", "fileperm", "job", "session"] {
            try connection.execute("DELETE FROM `\(table)` WHERE sessnum = ?", number)
        }
    }

    /// When a session was started, as the portal's tables tell times.
    private static let localStarted =
        "DATE_FORMAT(CONVERT_TZ(started, '+00:00', @@session.time_zone), '%Y-%m-%d %H:%i:%s')"
}
