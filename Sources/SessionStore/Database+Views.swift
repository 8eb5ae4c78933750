import SessionModel

// The rows that many writers meet at are locked in one order: a session's, then its views'.

extension Database {
    /// Notes that a viewer came with a resolved token, before it sees anything; gives the view's number. The portal sees
    /// nothing of it before ``openView(_:began:clock:age:)``. `relay` is the relay's instance.
    ///
    /// - Parameter most: views that the session may have at a time, those counted that are still being opened; 0: no limit.
    /// - Returns: nil when it has as many.
    public func reserveView(
        session: SessionNumber, user: UserName, mode: ViewMode, kind: TokenKind, address: String, relay: String,
        most: Int = 0
    ) async throws(StoreError) -> UInt64? {
        let reservation = Reservation(
            session: session, user: user, mode: mode, kind: kind, address: address, relay: relay, most: most)
        return try await together(reservations, reservation) { reservations, connection throws(StoreError) in
            try Self.reserve(reservations, connection)
        }
    }

    /// Notes that a view's viewer sees the display since `age` seconds, which is `began` on `clock`. May be repeated.
    /// False when the view is unknown or was closed.
    public func openView(
        _ view: UInt64, began: Double, clock: String, age: Double
    ) async throws(StoreError) -> Bool {
        let beginning = ViewBeginning(view: view, began: began, clock: clock, age: age)
        return try await together(beginnings, beginning) { beginnings, connection throws(StoreError) in
            try Self.open(beginnings, connection)
        }
    }

    /// Ends a view. May be repeated, and come before the view was opened: it is logged once, with the length that it
    /// had first. A view that its viewer never saw is forgotten.
    public func closeView(_ end: ViewClosing) async throws(StoreError) {
        try await together(endings, ViewEnding(view: end.view, told: end)) { endings, connection throws(StoreError) in
            try Self.end(endings, connection)
            return endings.map { _ in }
        }
    }

    /// Ends the open views of a relay's life, each at what is proven; gives their numbers.
    public func closeViews(ofRelay instance: String) async throws(StoreError) -> [UInt64] {
        try await run(repeatable: true) { connection throws(StoreError) in
            try Self.closeViews(ofRelay: instance, "its relay is gone", connection)
        }
    }

    /// Logs what was ended and not logged: by a crash between the two. Gives how many there were.
    public func logEndedViews() async throws(StoreError) -> Int {
        try await run(repeatable: true) { connection throws(StoreError) in
            let ended = try connection.query(
                "SELECT viewid FROM mw_view WHERE logged = 0 AND duration IS NOT NULL ORDER BY viewid")
            var logged = 0
            for part in Self.parts(ended.map { $0.unsigned(0) }) { logged += try Self.log(part, connection) }
            return logged
        }
    }

    /// Forgets views that were reserved ten minutes ago and never opened; gives how many. What a crash between the two
    /// rows of an open view left is mended too: a `view` row that is no view's goes, one that is missing comes again.
    public func removeStaleReservations() async throws(StoreError) -> Int {
        try await run(repeatable: true) { connection throws(StoreError) in
            try Self.mendPortalViews(connection)
            return Int(
                try connection.execute(
                    """
                    DELETE FROM mw_view
                    WHERE logged = 0 AND duration IS NULL AND opened IS NULL
                      AND reserved < UTC_TIMESTAMP(3) - INTERVAL 10 MINUTE
                    """))
        }
    }

    /// The views of the session that have not ended: open ones, and those whose viewer may open them yet.
    public func unendedViews(of session: SessionNumber) async throws(StoreError) -> [UInt64] {
        try await run(repeatable: true) { connection throws(StoreError) in
            try connection.query("SELECT viewid FROM mw_view WHERE sessnum = ? AND duration IS NULL", session)
                .map { $0.unsigned(0) }
        }
    }

    /// The views that sessions had and have, those that are open with what is proven of them.
    public func viewIntervals(
        of sessions: [SessionNumber]
    ) async throws(StoreError) -> [SessionNumber: [ViewInterval]] {
        try await run(repeatable: true) { connection throws(StoreError) in
            var intervals: [SessionNumber: [ViewInterval]] = [:]
            try Self.inGroups(sessions) { marks, group throws(StoreError) in
                let rows = try connection.query(
                    Self.intervals + " WHERE sessnum IN (\(marks)) AND opened IS NOT NULL ORDER BY viewid",
                    values: group)
                for row in rows { intervals[SessionNumber(row.unsigned(0)), default: []].append(Self.interval(row)) }
            }
            return intervals
        }
    }

    /// The open views of each session, oldest first.
    public func watchers(
        of sessions: [SessionNumber]
    ) async throws(StoreError) -> [SessionNumber: [WatcherRecord]] {
        try await run(repeatable: true) { connection throws(StoreError) in
            var watchers: [SessionNumber: [WatcherRecord]] = [:]
            try Self.inGroups(sessions) { marks, group throws(StoreError) in
                let rows = try connection.query(
                    """
                    SELECT sessnum, username, opened, remoteip, mode FROM mw_view
                    WHERE sessnum IN (\(marks)) AND opened IS NOT NULL AND duration IS NULL
                    ORDER BY opened, viewid
                    """, values: group)
                for row in rows {
                    watchers[SessionNumber(row.unsigned(0)), default: []].append(
                        WatcherRecord(
                            user: try row.name(1), since: row.text(2), address: row.text(3),
                            mode: ViewMode(rawValue: row.text(4)) ?? .watch))
                }
            }
            return watchers
        }
    }

    /// What each person watched of the session, by name; open views are not in it.
    public func viewings(of session: SessionNumber) async throws(StoreError) -> [ViewingRecord] {
        try await run(repeatable: true) { connection throws(StoreError) in
            let rows = try connection.query(
                """
                SELECT username, views, seconds, to_viewer, from_viewer FROM mw_viewing WHERE sessnum = ?
                ORDER BY username
                """, session)
            var viewings: [ViewingRecord] = []
            for row in rows {
                viewings.append(
                    ViewingRecord(
                        user: try row.name(0), views: row.integer(1), seconds: row.real(2), toViewer: row.unsigned(3),
                        fromViewer: row.unsigned(4)))
            }
            return viewings
        }
    }

    /// What every interval is made from.
    static let intervals = """
        SELECT sessnum, clock, began, TIMESTAMPDIFF(MICROSECOND, '2000-01-01', opened), COALESCE(duration, seconds)
        FROM mw_view
        """

    static func interval(_ row: Row) -> ViewInterval {
        ViewInterval(clock: row.text(1), began: row.real(2), opened: row.real(3) / 1_000_000, seconds: row.real(4))
    }
}
