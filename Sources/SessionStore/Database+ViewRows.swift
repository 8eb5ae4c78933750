import SessionModel

// A view's end has two steps, so that no crash and no write that a MyISAM table lost gives two rows of `viewlog` or
// none: first its length is fixed in `mw_view`, then it is logged, which may be repeated as the length stays the same.

extension Database {
    /// What ``openView(_:began:clock:age:)`` does.
    @discardableResult
    static func open(
        _ view: UInt64, began: Double, clock: String, age: Double, _ connection: Connection
    ) throws(StoreError) -> Bool {
        try connection.transaction { () throws(StoreError) -> Bool in
            guard let session = try lockSession(ofView: view, connection) else { return false }
            let row = try connection.query(
                """
                SELECT duration IS NOT NULL, opened IS NOT NULL, username, remoteip, UTC_TIMESTAMP(3) - INTERVAL ? MICROSECOND,
                  NOW(3) - INTERVAL ? MICROSECOND
                FROM mw_view WHERE viewid = ? FOR UPDATE
                """, microseconds(age), microseconds(age), view
            ).first
            guard let row, row.integer(0) == 0 else { return false }
            if row.integer(1) == 1 { return true }
            var portalView: UInt64?
            if !session.isMoved {
                try connection.execute(
                    "INSERT INTO view (sessnum, username, remoteip, start, heartbeat) VALUES (?, ?, ?, ?, NOW())",
                    session.number, row.text(2), row.text(3), row.text(5))
                portalView = connection.lastInsertID
                try touch(session.number, connection)
            }
            try connection.execute(
                """
                UPDATE mw_view SET opened = ?, heartbeat = ?, began = ?, clock = ?, portal_view = ?
                WHERE viewid = ?
                """, row.text(4), row.text(4), finite(began), String(clock.prefix(64)), portalView, view)
            return true
        }
    }

    /// The first step of a view's end: its length is fixed, once. Without `end` it is what is proven. A view that was
    /// never opened is removed unless `end` tells when it began.
    static func fix(_ view: UInt64, _ end: ViewClosing?, cause: String = "", _ connection: Connection)
        throws(StoreError)
    {
        try connection.transaction { () throws(StoreError) in
            guard let session = try lockSession(ofView: view, connection) else { return }
            try fix(view, of: session, end, cause: cause, connection)
        }
    }

    /// The same where the session's row is locked already.
    static func fix(
        _ view: UInt64, of session: LockedSession, _ end: ViewClosing?, cause: String, _ connection: Connection
    ) throws(StoreError) {
        let row = try connection.query(
            "SELECT duration IS NOT NULL, opened IS NOT NULL, seconds FROM mw_view WHERE viewid = ? FOR UPDATE", view
        ).first
        guard let row, row.integer(0) == 0 else { return }
        if row.integer(1) == 0 {
            guard let end, let began = end.began else {
                try connection.execute("DELETE FROM mw_view WHERE viewid = ?", view)
                return
            }
            try connection.execute(
                """
                UPDATE mw_view SET opened = COALESCE(UTC_TIMESTAMP(3) - INTERVAL ? MICROSECOND, reserved), began = ?, clock = ?
                WHERE viewid = ?
                """, end.age.map(microseconds), finite(began), String(end.clock.prefix(64)), view)
        }
        let told = end?.began == nil ? 0 : proven(end?.seconds ?? 0, within: end?.age)
        let seconds = try distinct(max(told, row.real(2)), view, of: session, connection)
        try connection.execute(
            """
            UPDATE mw_view SET duration = ?, seconds = ?, to_viewer = ?, from_viewer = ?, cause = ?,
              heartbeat = opened + INTERVAL ? MICROSECOND
            WHERE viewid = ?
            """, seconds, seconds, end?.toViewer ?? 0, end?.fromViewer ?? 0, String((end?.cause ?? cause).prefix(80)),
            microseconds(seconds), view)
    }

    /// The second step of a view's end; true for the one who took it. Before the first there is nothing to do.
    @discardableResult
    static func log(_ view: UInt64, _ connection: Connection) throws(StoreError) -> Bool {
        try connection.transaction { () throws(StoreError) -> Bool in
            guard let session = try lockSession(ofView: view, connection) else { return false }
            return try log(view, of: session, connection)
        }
    }

    /// The same where the session's row is locked already.
    @discardableResult
    static func log(_ view: UInt64, of session: LockedSession, _ connection: Connection) throws(StoreError) -> Bool {
        let row = try connection.query(
            """
            SELECT username, remoteip, \(localStart), duration, portal_view, to_viewer, from_viewer
            FROM mw_view WHERE viewid = ? AND duration IS NOT NULL AND logged = 0 FOR UPDATE
            """, view
        ).first
        guard let row else { return false }
        try insertIntoLog(row, of: session, connection)
        if row.optional(4) != nil {
            try connection.execute(
                "DELETE FROM view WHERE viewid = ? AND sessnum = ?", row.unsigned(4), session.number)
        }
        try connection.execute(
            """
            INSERT INTO mw_viewing (sessnum, username, views, seconds, to_viewer, from_viewer) VALUES (?, ?, 1, ?, ?, ?)
            ON DUPLICATE KEY UPDATE views = views + 1, seconds = seconds + VALUES(seconds),
              to_viewer = to_viewer + VALUES(to_viewer), from_viewer = from_viewer + VALUES(from_viewer)
            """, session.number, row.text(0), row.real(3), row.unsigned(5), row.unsigned(6))
        if session.isMoved {
            try connection.execute("DELETE FROM mw_view WHERE viewid = ?", view)
        } else {
            try touch(session.number, connection)
            try connection.execute("UPDATE mw_view SET logged = 1 WHERE viewid = ?", view)
        }
        return true
    }

    /// Writes rows of `viewlog` again that it lost.
    static func mendLog(of session: LockedSession, _ connection: Connection) throws(StoreError) {
        let logged = try connection.query(
            """
            SELECT username, remoteip, \(localStart), duration FROM mw_view
            WHERE sessnum = ? AND duration IS NOT NULL AND logged = 1
            """, session.number)
        guard !logged.isEmpty else { return }
        let there = Set(
            try connection.query(
                """
                SELECT username, remoteip, DATE_FORMAT(time, '%Y-%m-%d %H:%i:%s'), duration FROM viewlog WHERE sessnum = ?
                """, session.number
            ).map(known))
        for row in logged where !there.contains(known(row)) { try insertIntoLog(row, of: session, connection) }
    }

    /// Ends the open views of a relay's life, each at what is proven; gives their numbers.
    static func closeViews(
        ofRelay instance: String, _ cause: String, _ connection: Connection
    ) throws(StoreError) -> [UInt64] {
        let rows = try connection.query(
            "SELECT viewid FROM mw_view WHERE relay = ? AND opened IS NOT NULL AND duration IS NULL ORDER BY viewid",
            instance)
        for row in rows { try close(row.unsigned(0), cause, connection) }
        return rows.map { $0.unsigned(0) }
    }

    /// Ends a view at what is proven.
    static func close(_ view: UInt64, _ cause: String, _ connection: Connection) throws(StoreError) {
        try fix(view, nil, cause: cause, connection)
        try log(view, connection)
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

    /// A session whose row this transaction has locked.
    struct LockedSession {
        var number: SessionNumber
        /// The portal's rows of it are gone, or it is too long ago to be known.
        var isMoved: Bool
    }

    /// Locks the row of the session that a view is of; nil when the view is unknown.
    private static func lockSession(
        ofView view: UInt64, _ connection: Connection
    ) throws(StoreError) -> LockedSession? {
        let row = try connection.query("SELECT sessnum FROM mw_view WHERE viewid = ?", view).first
        guard let row else { return nil }
        let number = SessionNumber(row.unsigned(0))
        let locked = try connection.query(
            "SELECT moved OR state IN ('ended', 'failed') FROM mw_session WHERE sessnum = ? FOR UPDATE", number
        ).first
        return LockedSession(number: number, isMoved: locked?.integer(0) ?? 1 == 1)
    }

    /// When a view was opened, as the portal's tables tell times.
    private static let localStart =
        "DATE_FORMAT(CONVERT_TZ(opened, '+00:00', @@session.time_zone), '%Y-%m-%d %H:%i:%s')"

    /// The length by which a view's row of `viewlog` is known from those of others: it differs by a millionth of a second
    /// or what `viewlog` can tell apart, where a view of the same person began in the same second and lasted as long.
    private static func distinct(
        _ seconds: Double, _ view: UInt64, of session: LockedSession, _ connection: Connection
    ) throws(StoreError) -> Double {
        guard
            let own = try connection.query(
                "SELECT username, remoteip, \(localStart) FROM mw_view WHERE viewid = ?", view
            ).first
        else { return seconds }
        var others = try connection.query(
            """
            SELECT duration FROM mw_view
            WHERE sessnum = ? AND viewid <> ? AND duration IS NOT NULL AND username = ? AND remoteip = ?
              AND \(localStart) = ?
            """, session.number, view, own.text(0), own.text(1), own.text(2))
        if session.isMoved {
            // Of those that were logged there is no other row any more.
            others += try connection.query(
                "SELECT duration FROM viewlog WHERE sessnum = ? AND username = ? AND remoteip = ? AND time = ?",
                session.number, own.text(0), own.text(1), own.text(2))
        }
        let taken = Set(others.map { Float($0.real(0)) })
        var length = seconds
        while taken.contains(Float(length)) { length += max(0.000_001, Double(Float(length).ulp)) }
        return length
    }

    /// `row`: the person, the address, when it was opened and how long it lasted. `viewlog` keeps lengths in single
    /// precision.
    private static func insertIntoLog(
        _ row: Row, of session: LockedSession, _ connection: Connection
    ) throws(StoreError) {
        let duration = Double(Float(row.real(3)))
        try connection.execute(
            """
            INSERT INTO viewlog (sessnum, username, remoteip, remotehost, time, duration)
            SELECT ?, ?, ?, '', ?, ? FROM (SELECT 1) one
            WHERE NOT EXISTS (
              SELECT 1 FROM viewlog
              WHERE sessnum = ? AND username = ? AND remoteip = ? AND time = ? AND duration = ?)
            """, session.number, row.text(0), row.text(1), row.text(2), duration, session.number, row.text(0),
            row.text(1), row.text(2), duration)
    }

    /// What a row of `viewlog` is known by, as ``insertIntoLog(_:of:_:)`` has it.
    private static func known(_ row: Row) -> [String] {
        [row.text(0), row.text(1), row.text(2), "\(Float(row.real(3)))"]
    }

    private static func addPortalView(of view: UInt64, _ connection: Connection) throws(StoreError) {
        try connection.transaction { () throws(StoreError) in
            guard let session = try lockSession(ofView: view, connection), !session.isMoved else { return }
            let row = try connection.query(
                """
                SELECT username, remoteip, \(localStart) FROM mw_view
                WHERE viewid = ? AND opened IS NOT NULL AND duration IS NULL FOR UPDATE
                """, view
            ).first
            guard let row else { return }
            try connection.execute(
                "INSERT INTO view (sessnum, username, remoteip, start, heartbeat) VALUES (?, ?, ?, ?, NOW())",
                session.number, row.text(0), row.text(1), row.text(2))
            try connection.execute(
                "UPDATE mw_view SET portal_view = ? WHERE viewid = ?", connection.lastInsertID, view)
        }
    }

    /// The session was observed now.
    private static func touch(_ session: SessionNumber, _ connection: Connection) throws(StoreError) {
        try connection.execute("UPDATE session SET accesstime = NOW() WHERE sessnum = ?", session)
    }
}
