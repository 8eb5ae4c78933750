import SessionModel

extension Database {
    /// A viewer that came with a resolved token to a session that may have `most` views; 0: any number.
    struct Reservation: Sendable {
        var session: SessionNumber
        var user: UserName
        var mode: ViewMode
        var kind: TokenKind
        var address: String
        var relay: String
        var most: Int
    }

    /// What ``reserveView(session:user:mode:kind:address:relay:most:)`` does, for some viewers, and what it returns for each.
    static func reserve(_ reservations: [Reservation], _ connection: Connection) throws(StoreError) -> [UInt64?] {
        try connection.transaction { () throws(StoreError) in
            let limited = Set(reservations.filter { $0.most > 0 }.map(\.session)).sorted()
            var there: [SessionNumber: Int] = [:]
            try inGroups(limited) { marks, sessions throws(StoreError) in
                // Who comes at the same moment waits here. Viewers have two minutes to open what was reserved.
                _ = try connection.query(
                    "SELECT 1 FROM mw_session WHERE sessnum IN (\(marks)) ORDER BY sessnum FOR UPDATE", values: sessions
                )
                let rows = try connection.query(
                    """
                    SELECT sessnum, COUNT(*) FROM mw_view
                    WHERE sessnum IN (\(marks)) AND duration IS NULL
                      AND (opened IS NOT NULL OR reserved > UTC_TIMESTAMP(3) - INTERVAL 150 SECOND)
                    GROUP BY sessnum
                    """, values: sessions)
                for row in rows { there[SessionNumber(row.unsigned(0))] = row.integer(1) }
            }
            var views: [UInt64?] = []
            for reservation in reservations {
                guard reservation.most == 0 || there[reservation.session, default: 0] < reservation.most else {
                    views.append(nil)
                    continue
                }
                try connection.execute(
                    """
                    INSERT INTO mw_view (sessnum, username, mode, kind, relay, remoteip, reserved)
                    VALUES (?, ?, ?, ?, ?, ?, UTC_TIMESTAMP(3))
                    """, reservation.session, reservation.user, reservation.mode.rawValue, reservation.kind.rawValue,
                    String(reservation.relay.prefix(80)), String(reservation.address.prefix(40)))
                views.append(connection.lastInsertID)
                there[reservation.session, default: 0] += 1
            }
            return views
        }
    }

    /// A view whose viewer sees the display since `age` seconds, which is `began` on `clock`.
    struct ViewBeginning: Sendable {
        var view: UInt64
        var began: Double
        var clock: String
        var age: Double
    }

    /// What ``openView(_:began:clock:age:)`` does, for some views, and what it returns for each.
    @discardableResult
    static func open(_ beginnings: [ViewBeginning], _ connection: Connection) throws(StoreError) -> [Bool] {
        var open: Set<UInt64> = []
        for part in parts(beginnings) {
            open.formUnion(
                try connection.transaction { () throws(StoreError) -> Set<UInt64> in
                    let moved = try lockSessions(ofViews: part.map(\.view), connection)
                    return try openViews(part, moved: moved, connection)
                })
        }
        return beginnings.map { open.contains($0.view) }
    }

    /// Those that are open then.
    private static func openViews(
        _ beginnings: [ViewBeginning], moved: Set<SessionNumber>, _ connection: Connection
    ) throws(StoreError) -> Set<UInt64> {
        let beginnings = Dictionary(beginnings.map { ($0.view, $0) }) { first, _ in first }
        var open: Set<UInt64> = []
        var watched: [UInt64] = []
        try inGroups(beginnings.keys.sorted()) { marks, views throws(StoreError) in
            let rows = try connection.query(
                """
                SELECT viewid, sessnum, opened IS NOT NULL, username, remoteip, UTC_TIMESTAMP(3), NOW(3) FROM mw_view
                WHERE viewid IN (\(marks)) AND duration IS NULL ORDER BY viewid FOR UPDATE
                """, values: views)
            for row in rows {
                guard let beginning = beginnings[row.unsigned(0)] else { continue }
                open.insert(beginning.view)
                guard row.integer(2) == 0 else { continue }
                let age = microseconds(beginning.age)
                var portalView: UInt64?
                if !moved.contains(SessionNumber(row.unsigned(1))) {
                    try connection.execute(
                        """
                        INSERT INTO view (sessnum, username, remoteip, start, heartbeat)
                        VALUES (?, ?, ?, CAST(? AS DATETIME(6)) - INTERVAL ? MICROSECOND, NOW())
                        """, row.unsigned(1), row.text(3), row.text(4), row.text(6), age)
                    portalView = connection.lastInsertID
                    watched.append(row.unsigned(1))
                }
                try connection.execute(
                    """
                    UPDATE mw_view SET opened = CAST(? AS DATETIME(6)) - INTERVAL ? MICROSECOND, heartbeat = opened,
                      began = ?, clock = ?, portal_view = ?
                    WHERE viewid = ?
                    """, row.text(5), age, finite(beginning.began), String(beginning.clock.prefix(64)), portalView,
                    beginning.view)
            }
        }
        try touch(watched, connection)
        return open
    }

    /// Ends the open views of a relay's life, each at what is proven; gives their numbers.
    static func closeViews(
        ofRelay instance: String, _ cause: String, _ connection: Connection
    ) throws(StoreError) -> [UInt64] {
        let views = try connection.query(
            "SELECT viewid FROM mw_view WHERE relay = ? AND opened IS NOT NULL AND duration IS NULL ORDER BY viewid",
            instance
        ).map { $0.unsigned(0) }
        try end(views.map { ViewEnding(view: $0, cause: cause) }, connection)
        return views
    }

    /// Makes `view` have one row for each open view, and none of ours besides.
    static func mendPortalViews(_ connection: Connection) throws(StoreError) {
        let alone = try connection.query(
            """
            SELECT p.viewid FROM view p
            JOIN mw_session m ON m.sessnum = p.sessnum
            LEFT JOIN mw_view v ON v.sessnum = p.sessnum AND v.portal_view = p.viewid
            WHERE v.viewid IS NULL AND p.heartbeat < NOW() - INTERVAL 60 SECOND
            """)
        for row in alone { try connection.execute("DELETE FROM view WHERE viewid = ?", row.unsigned(0)) }
        let lost = try connection.query(
            """
            SELECT v.viewid FROM mw_view v LEFT JOIN view p ON p.viewid = v.portal_view AND p.sessnum = v.sessnum
            WHERE v.logged = 0 AND v.duration IS NULL AND v.opened IS NOT NULL AND p.viewid IS NULL
            """)
        for row in lost { try addPortalView(of: row.unsigned(0), connection) }
    }

    /// How long a view is proven to have lasted: a number, and not longer than it is since it began.
    static func proven(_ seconds: Double, within age: Double?) -> Double {
        let told = max(0, finite(seconds))
        return age.map { min(told, max(0, finite($0))) } ?? told
    }

    static func finite(_ seconds: Double) -> Double { seconds.isFinite ? min(max(seconds, -1e9), 1e9) : 0 }

    static func microseconds(_ seconds: Double) -> Int { Int(max(0, finite(seconds)) * 1_000_000) }

    /// Locks the rows of the sessions that some views are of, in the order of their numbers; gives those of which the
    /// portal's rows are gone, or that are too long ago to be known.
    static func lockSessions(
        ofViews views: [UInt64], _ connection: Connection
    ) throws(StoreError) -> Set<SessionNumber> {
        var sessions: Set<SessionNumber> = []
        try inGroups(views) { marks, views throws(StoreError) in
            let rows = try connection.query(
                "SELECT DISTINCT sessnum FROM mw_view WHERE viewid IN (\(marks))", values: views)
            sessions.formUnion(rows.map { SessionNumber($0.unsigned(0)) })
        }
        var moved = sessions
        try inGroups(sessions.sorted()) { marks, numbers throws(StoreError) in
            let rows = try connection.query(
                """
                SELECT sessnum, moved OR state IN ('ended', 'failed') FROM mw_session
                WHERE sessnum IN (\(marks)) ORDER BY sessnum FOR UPDATE
                """, values: numbers)
            for row in rows where row.integer(1) == 0 { moved.remove(SessionNumber(row.unsigned(0))) }
        }
        return moved
    }

    private static func addPortalView(of view: UInt64, _ connection: Connection) throws(StoreError) {
        try connection.transaction { () throws(StoreError) in
            let moved = try lockSessions(ofViews: [view], connection)
            let row = try connection.query(
                """
                SELECT sessnum, username, remoteip, \(localStart("mw_view")) FROM mw_view
                WHERE viewid = ? AND opened IS NOT NULL AND duration IS NULL FOR UPDATE
                """, view
            ).first
            guard let row, !moved.contains(SessionNumber(row.unsigned(0))) else { return }
            try connection.execute(
                "INSERT INTO view (sessnum, username, remoteip, start, heartbeat) VALUES (?, ?, ?, ?, NOW())",
                row.unsigned(0), row.text(1), row.text(2), row.text(3))
            try connection.execute(
                "UPDATE mw_view SET portal_view = ? WHERE viewid = ?", connection.lastInsertID, view)
        }
    }

    /// The sessions were observed now.
    static func touch(_ sessions: [UInt64], _ connection: Connection) throws(StoreError) {
        try inGroups(sessions) { marks, numbers throws(StoreError) in
            try connection.execute("UPDATE session SET accesstime = NOW() WHERE sessnum IN (\(marks))", values: numbers)
        }
    }
}
