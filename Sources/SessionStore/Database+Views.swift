import SessionModel

extension Database {
    /// Records that a viewer came with a resolved token; gives the view's number.
    public func openView(
        session: SessionNumber, user: UserName, mode: ViewMode, kind: TokenKind, address: String, relay: String = ""
    ) async throws(StoreError) -> UInt64 {
        try await run { connection throws(StoreError) in
            try connection.transaction { () throws(StoreError) -> UInt64 in
                try connection.execute(
                    "INSERT INTO view (sessnum, username, remoteip, start, heartbeat) VALUES (?, ?, ?, NOW(), NOW())",
                    session, user, String(address.prefix(40)))
                let view = connection.lastInsertID
                try connection.execute(
                    """
                    REPLACE INTO mw_view (viewid, sessnum, username, mode, kind, relay, opened, heartbeat)
                    VALUES (?, ?, ?, ?, ?, ?, UTC_TIMESTAMP(3), UTC_TIMESTAMP(3))
                    """, view, session, user, mode.rawValue, kind.rawValue, String(relay.prefix(80)))
                try connection.execute("UPDATE session SET accesstime = NOW() WHERE sessnum = ?", session)
                return view
            }
        }
    }

    /// Keeps the views' proofs of life, each so many seconds old, and gives those that may not go on: closed or
    /// unknown ones, those whose session does not run, and those whose permission is gone or became another.
    public func beatViews(_ beats: [(view: UInt64, age: Int)]) async throws(StoreError) -> [UInt64] {
        guard !beats.isEmpty else { return [] }
        return try await run(repeatable: true) { connection throws(StoreError) in
            var allowed: Set<UInt64> = []
            for group in Self.groups(beats.map(\.view)) {
                allowed.formUnion(try Self.allowed(group, connection))
            }
            for (age, ofThatAge) in Dictionary(grouping: beats, by: { max(0, $0.age) }) {
                for group in Self.groups(ofThatAge.map(\.view)) { try Self.keepBeats(group, age: age, connection) }
            }
            return beats.map(\.view).filter { !allowed.contains($0) }
        }
    }

    /// Ends a view after `seconds` by the relay's monotonic clock. A view that is closed stays as it is.
    public func closeView(_ view: UInt64, seconds: Double) async throws(StoreError) {
        try await run { connection throws(StoreError) in
            try connection.transaction { () throws(StoreError) in
                try Self.close(view, after: seconds, connection)
            }
        }
    }

    /// Ends the views whose last proof of life is more than `seconds` ago, each at that proof: their relay is gone.
    /// Gives their numbers.
    public func closeAllViews(silentFor seconds: Int) async throws(StoreError) -> [UInt64] {
        try await run { connection throws(StoreError) in
            let rows = try connection.query(
                """
                SELECT viewid, TIMESTAMPDIFF(MICROSECOND, opened, heartbeat) / 1000000 FROM mw_view
                WHERE duration IS NULL AND heartbeat <= UTC_TIMESTAMP(3) - INTERVAL ? SECOND
                """, seconds)
            for row in rows {
                try connection.transaction { () throws(StoreError) in
                    try Self.close(row.unsigned(0), after: row.real(1), connection)
                }
            }
            return rows.map { $0.unsigned(0) }
        }
    }

    /// One conditional UPDATE decides who logs the view.
    static func close(_ view: UInt64, after seconds: Double, _ connection: Connection) throws(StoreError) {
        let length = seconds.isFinite ? max(0, seconds) : 0
        let closed = try connection.execute(
            "UPDATE mw_view SET duration = ? WHERE viewid = ? AND duration IS NULL", length, view)
        guard closed == 1 else { return }
        try connection.execute(
            """
            INSERT INTO viewlog (sessnum, username, remoteip, remotehost, time, duration)
            SELECT sessnum, username, remoteip, '', start, ? FROM view WHERE viewid = ?
            """, length, view)
        try connection.execute(
            "UPDATE session SET accesstime = NOW() WHERE sessnum = (SELECT sessnum FROM mw_view WHERE viewid = ?)",
            view)
        try connection.execute("DELETE FROM view WHERE viewid = ?", view)
    }

    /// `views` in groups of ``groupSize``; the last is filled up by repeating its last member, so that every group
    /// runs the same prepared statement.
    private static func groups(_ views: [UInt64]) -> [[UInt64]] {
        stride(from: 0, to: views.count, by: groupSize).map { start in
            let group = views[start..<min(start + groupSize, views.count)]
            return Array(group) + Array(repeating: views[group.endIndex - 1], count: groupSize - group.count)
        }
    }

    private static let groupSize = 100
    private static let placeholders = Array(repeating: "?", count: groupSize).joined(separator: ", ")

    private static func allowed(_ views: [UInt64], _ connection: Connection) throws(StoreError) -> [UInt64] {
        try connection.query(
            """
            SELECT v.viewid
            FROM mw_view v
            JOIN mw_session m ON m.sessnum = v.sessnum AND m.state = 'running'
            JOIN viewperm p ON p.sessnum = v.sessnum AND p.viewuser = v.username
            WHERE v.viewid IN (\(placeholders)) AND v.duration IS NULL
              AND IF(v.mode = 'act', p.readonly = 'No', v.kind <> 'portal' OR p.readonly <> 'No')
            """, values: views
        ).map { $0.unsigned(0) }
    }

    private static func keepBeats(_ views: [UInt64], age: Int, _ connection: Connection) throws(StoreError) {
        let values: [any Bindable] = [age, age] + views
        try connection.execute(
            """
            UPDATE mw_view v LEFT JOIN view p ON p.viewid = v.viewid
            SET v.heartbeat = GREATEST(v.heartbeat, UTC_TIMESTAMP(3) - INTERVAL ? SECOND),
              p.heartbeat = GREATEST(p.heartbeat, NOW() - INTERVAL ? SECOND)
            WHERE v.viewid IN (\(placeholders)) AND v.duration IS NULL
            """, values: values)
    }
}
