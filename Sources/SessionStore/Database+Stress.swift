import SessionModel

/// Sessions of load tests: `mw_session.stress` tells them from people's.
extension Database {
    /// Those that have not ended, by number.
    public func liveStressSessions() async throws(StoreError) -> [SessionRecord] {
        try await run(repeatable: true) { connection throws(StoreError) in
            try Self.records(
                try connection.query(
                    Self.selection + " WHERE m.stress IS NOT NULL AND m.state IN ('starting', 'running', 'ending')"
                        + " ORDER BY m.sessnum"))
        }
    }

    /// How many there are in each state; states without any are left out.
    public func stressStates() async throws(StoreError) -> [SessionState: Int] {
        try await run(repeatable: true) { connection throws(StoreError) in
            let rows = try connection.query(
                "SELECT state, COUNT(*) FROM mw_session WHERE stress IS NOT NULL GROUP BY state")
            var states: [SessionState: Int] = [:]
            for row in rows { if let state = SessionState(rawValue: row.text(0)) { states[state] = row.integer(1) } }
            return states
        }
    }

    /// Whether each of `sessions` is a load test's; one that is not known is left out.
    public func areStress(_ sessions: [SessionNumber]) async throws(StoreError) -> [SessionNumber: Bool] {
        try await run(repeatable: true) { connection throws(StoreError) in
            var known: [SessionNumber: Bool] = [:]
            try Self.inGroups(sessions) { marks, group throws(StoreError) in
                let rows = try connection.query(
                    "SELECT sessnum, stress IS NOT NULL FROM mw_session WHERE sessnum IN (\(marks))", values: group)
                for row in rows { known[SessionNumber(row.unsigned(0))] = row.integer(1) == 1 }
            }
            return known
        }
    }

    /// The views of their sessions after `session` (nil: from the first), by session, in pages of at most `count` or, where
    /// one session has more, of that one's. A session is never torn: one that would be comes with the next page.
    public func stressViews(
        after session: SessionNumber?, count: Int
    ) async throws(StoreError) -> [StressViewRecord] {
        let count = max(1, count)
        return try await run(repeatable: true) { connection throws(StoreError) in
            let rows = try connection.query(
                Self.views + " AND m.sessnum > ?" + Self.viewOrder, session?.value ?? 0, count + 1)
            if rows.count <= count { return rows.map(Self.view) }
            let torn = rows[count].unsigned(0)
            let whole = rows.prefix { $0.unsigned(0) != torn }
            if !whole.isEmpty { return whole.map(Self.view) }
            let one = try connection.query(
                Self.views + " AND m.sessnum = ?" + Self.viewOrder, torn, Self.mostOfOne + 1)
            guard one.count <= Self.mostOfOne else {
                throw StoreError.internal(cause: "session \(torn) has more views than a page, \(Self.mostOfOne)")
            }
            return one.map(Self.view)
        }
    }

    /// How many rows each table has of their sessions; tables without any are left out. A `session` row whose user's name is
    /// one of theirs counts, should nothing else know of it.
    public func stressRows() async throws(StoreError) -> [(table: String, rows: Int)] {
        try await run(repeatable: true) { connection throws(StoreError) in
            var counts: [(table: String, rows: Int)] = []
            let tables =
                Self.portalStressTables + Self.viewStressTables + Self.lastStressTables + ["display", "mw_display"]
            for table in tables {
                let rows = try connection.query(
                    "SELECT COUNT(*) FROM mw_session m JOIN `\(table)` t ON t.sessnum = m.sessnum WHERE m.stress IS NOT NULL"
                )
                counts.append((table, rows.first?.integer(0) ?? 0))
            }
            let alone = try connection.query(
                """
                SELECT COUNT(*) FROM session s LEFT JOIN mw_session m ON m.sessnum = s.sessnum
                WHERE m.sessnum IS NULL AND BINARY s.username REGEXP '^stress-[0-9]{4}$'
                """)
            counts.append(("session, without an owner,", alone.first?.integer(0) ?? 0))
            return counts.filter { $0.rows > 0 }
        }
    }

    /// The uids that their users have, and those that are not clean after them.
    public func stressUIDs() async throws(StoreError) -> [StressUID] {
        try await run(repeatable: true) { connection throws(StoreError) in
            try connection.query("SELECT uid, owner FROM mw_shadow WHERE stress = 1 AND state <> 'free' ORDER BY uid")
                .map { StressUID(uid: UInt32(clamping: $0.integer(0)), owner: $0.optional(1)) }
        }
    }

    /// Removes all that is kept about those that ended more than so many days ago (0: that ended), in the portal's tables
    /// and ours: afterwards nothing tells that they were. A crash in between leaves the mark, and the rest is removed by the
    /// next call.
    public func removeStressRows(endedDaysAgo days: Int = 0) async throws(StoreError) -> StressRemoval {
        var removed = StressRemoval()
        while true {
            let batch = try await run(repeatable: true) { connection throws(StoreError) in
                try Self.removeSomeStress(endedDaysAgo: days, connection)
            }
            removed.sessions += batch.sessions
            removed.rows += batch.rows
            if batch.sessions == 0 { return removed }
        }
    }

    /// Up to ``groupSize`` sessions. Each of the portal's tables has a statement of its own. Views and tickets go before, for
    /// a view that is closed late writes `viewlog` only while its own row is there; the mark goes last.
    private static func removeSomeStress(
        endedDaysAgo days: Int, _ connection: Connection
    ) throws(StoreError) -> StressRemoval {
        let numbers = try connection.query(
            """
            SELECT sessnum FROM mw_session WHERE stress IS NOT NULL AND state IN ('ended', 'failed')
              AND ended <= UTC_TIMESTAMP(3) - INTERVAL ? DAY
            ORDER BY sessnum LIMIT \(groupSize)
            """, days
        ).map { SessionNumber($0.unsigned(0)) }
        var removed = StressRemoval()
        try inGroups(numbers) { marks, group throws(StoreError) in
            func remove(from table: String) throws(StoreError) -> Int {
                Int(try connection.execute("DELETE FROM `\(table)` WHERE sessnum IN (\(marks))", values: group))
            }
            for table in viewStressTables + portalStressTables { removed.rows += try remove(from: table) }
            let own = try connection.transaction { () throws(StoreError) -> Int in
                var rows = 0
                for table in lastStressTables { rows += try remove(from: table) }
                return rows
            }
            removed.rows += own
        }
        removed.sessions = numbers.count
        return removed
    }

    /// Those of the portal's tables that know sessions by their number; `display` has rows of displays.
    private static let portalStressTables = [
        "viewperm", "view", "fileperm", "job", "sessionpriv", "session", "viewlog", "joblog", "sessionlog",
    ]
    /// Ours of what leads to a view.
    private static let viewStressTables = ["mw_ticket", "mw_view"]
    /// Ours that stay until nothing else is left, with the mark's own last.
    private static let lastStressTables = ["mw_viewing", "mw_session"]

    /// Views of one session that a page has at most.
    private static let mostOfOne = 2000

    private static let views = """
        SELECT STRAIGHT_JOIN v.sessnum, v.username, v.duration * 1e0, l.viewtime
        FROM mw_session m
        JOIN viewlog v ON v.sessnum = m.sessnum
        LEFT JOIN sessionlog l ON l.sessnum = m.sessnum
        WHERE m.stress IS NOT NULL
        """

    private static let viewOrder = " ORDER BY v.sessnum, v.username, v.time, v.duration LIMIT ?"

    private static func view(_ row: Row) -> StressViewRecord {
        StressViewRecord(
            session: SessionNumber(row.unsigned(0)), user: row.text(1), seconds: row.real(2),
            viewtime: row.optional(3).map { _ in row.real(3) })
    }
}
