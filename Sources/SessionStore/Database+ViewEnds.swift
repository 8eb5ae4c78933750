import SessionModel

// A view's end has two steps, so that no crash and no write that a MyISAM table lost gives two rows of `viewlog` or
// none: first its length is fixed in `mw_view`, then it is logged, which may be repeated as the length stays the same.

extension Database {
    /// A view that ends: as its relay saw it, or at what is proven.
    struct ViewEnding: Sendable {
        var view: UInt64
        var told: ViewClosing?
        /// Why, where no relay told.
        var cause = ""
    }

    /// Ends views, by both steps.
    static func end(_ endings: [ViewEnding], _ connection: Connection) throws(StoreError) {
        for part in parts(endings) {
            try fix(part, connection)
            _ = try log(part.map(\.view), connection)
        }
    }

    /// The first step of the ends of some views: the length of each is fixed, once. A view that was never opened is
    /// removed unless its relay tells when it began.
    static func fix(_ endings: [ViewEnding], _ connection: Connection) throws(StoreError) {
        try connection.transaction { () throws(StoreError) in
            let moved = try lockSessions(ofViews: endings.map(\.view), connection)
            try fix(endings, moved: moved, connection)
        }
    }

    /// The same where the rows of their sessions are locked already; of those in `moved` the portal's rows are gone.
    static func fix(
        _ endings: [ViewEnding], moved: Set<SessionNumber>, _ connection: Connection
    ) throws(StoreError) {
        let endings = Dictionary(endings.map { ($0.view, $0) }) { first, _ in first }
        var lengths: [UInt64: Double] = [:]
        try inGroups(endings.keys.sorted()) { marks, views throws(StoreError) in
            let live = try connection.query(
                """
                SELECT viewid, opened IS NOT NULL, seconds FROM mw_view
                WHERE viewid IN (\(marks)) AND duration IS NULL ORDER BY viewid FOR UPDATE
                """, values: views)
            for row in live {
                let view = row.unsigned(0)
                let told = endings[view]?.told
                if row.integer(1) == 0, try !hasBegun(view, told, connection) { continue }
                let length = told?.began == nil ? 0 : proven(told?.seconds ?? 0, within: told?.age)
                lengths[view] = max(length, row.real(2))
            }
        }
        for (view, seconds) in try distinct(lengths, moved: moved, connection) {
            let told = endings[view]?.told
            try connection.execute(
                """
                UPDATE mw_view SET duration = ?, seconds = ?, to_viewer = ?, from_viewer = ?, cause = ?,
                  heartbeat = opened + INTERVAL ? MICROSECOND
                WHERE viewid = ?
                """, seconds, seconds, told?.toViewer ?? 0, told?.fromViewer ?? 0,
                String((told?.cause ?? endings[view]?.cause ?? "").prefix(80)), microseconds(seconds), view)
        }
    }

    /// The second step of the ends of some views; how many took it here. Before the first there is nothing to do.
    static func log(_ views: [UInt64], _ connection: Connection) throws(StoreError) -> Int {
        try connection.transaction { () throws(StoreError) -> Int in
            let moved = try lockSessions(ofViews: views, connection)
            return try log(views, moved: moved, connection)
        }
    }

    /// The same where the rows of their sessions are locked already.
    @discardableResult
    static func log(
        _ views: [UInt64], moved: Set<SessionNumber>, _ connection: Connection
    ) throws(StoreError) -> Int {
        var logged = 0
        try inGroups(views.sorted()) { marks, views throws(StoreError) in
            let rows = try connection.query(
                """
                SELECT viewid, sessnum, username, remoteip, \(localStart("mw_view")), duration, portal_view FROM mw_view
                WHERE viewid IN (\(marks)) AND duration IS NOT NULL AND logged = 0 ORDER BY viewid FOR UPDATE
                """, values: views)
            for row in rows {
                try insertIntoLog(SessionNumber(row.unsigned(1)), LoggedView(row, from: 2), connection)
                guard row.optional(6) != nil else { continue }
                try connection.execute(
                    "DELETE FROM view WHERE viewid = ? AND sessnum = ?", row.unsigned(6), row.unsigned(1))
            }
            try noteLogged(rows, moved: moved, connection)
            logged += rows.count
        }
        return logged
    }

    /// Writes rows of `viewlog` again that it lost.
    static func mendLog(of session: SessionNumber, _ connection: Connection) throws(StoreError) {
        let logged = try connection.query(
            """
            SELECT username, remoteip, \(localStart("mw_view")), duration FROM mw_view
            WHERE sessnum = ? AND duration IS NOT NULL AND logged = 1
            """, session
        ).map { LoggedView($0, from: 0) }
        guard !logged.isEmpty else { return }
        let there = Set(
            try connection.query(
                """
                SELECT username, remoteip, DATE_FORMAT(time, '%Y-%m-%d %H:%i:%s'), duration * 1e0 FROM viewlog
                WHERE sessnum = ?
                """, session
            ).map { LoggedView($0, from: 0) })
        for view in logged where !there.contains(view) { try insertIntoLog(session, view, connection) }
    }

    /// When a view of `table` was opened, as the portal's tables tell times.
    static func localStart(_ table: String) -> String {
        "DATE_FORMAT(CONVERT_TZ(\(table).opened, '+00:00', @@session.time_zone), '%Y-%m-%d %H:%i:%s')"
    }

    /// Whether a view that nobody saw open has begun all the same; if not, it is removed.
    private static func hasBegun(
        _ view: UInt64, _ told: ViewClosing?, _ connection: Connection
    ) throws(StoreError) -> Bool {
        guard let told, let began = told.began else {
            try connection.execute("DELETE FROM mw_view WHERE viewid = ?", view)
            return false
        }
        try connection.execute(
            """
            UPDATE mw_view SET opened = COALESCE(UTC_TIMESTAMP(3) - INTERVAL ? MICROSECOND, reserved), began = ?, clock = ?
            WHERE viewid = ?
            """, told.age.map(microseconds), finite(began), String(told.clock.prefix(64)), view)
        return true
    }

    /// What a view's row of `viewlog` has in common with others', but for its length.
    private struct LogKey: Hashable {
        var session: UInt64
        var user: String
        var address: String
        var start: String
    }

    /// The lengths by which the views' rows of `viewlog` are known from those of others: one differs by a millionth of a
    /// second or what `viewlog` can tell apart, where a view of the same person began in the same second and lasted as
    /// long. By the views' numbers.
    private static func distinct(
        _ lengths: [UInt64: Double], moved: Set<SessionNumber>, _ connection: Connection
    ) throws(StoreError) -> [(view: UInt64, seconds: Double)] {
        var keys: [UInt64: LogKey] = [:]
        var taken: [LogKey: Set<Float>] = [:]
        try inGroups(lengths.keys.sorted()) { marks, views throws(StoreError) in
            let rows = try connection.query(
                """
                SELECT v.viewid, v.sessnum, v.username, v.remoteip, \(localStart("v")), o.duration
                FROM mw_view v
                LEFT JOIN mw_view o ON o.sessnum = v.sessnum AND o.viewid <> v.viewid AND o.duration IS NOT NULL
                  AND o.username = v.username AND o.remoteip = v.remoteip AND \(localStart("o")) = \(localStart("v"))
                WHERE v.viewid IN (\(marks))
                """, values: views)
            for row in rows {
                let key = LogKey(session: row.unsigned(1), user: row.text(2), address: row.text(3), start: row.text(4))
                keys[row.unsigned(0)] = key
                if row.optional(5) != nil { taken[key, default: []].insert(Float(row.real(5))) }
            }
        }
        // Of those of a session that has moved, the ones that were logged have no other row any more.
        for key in Set(keys.values) where moved.contains(SessionNumber(key.session)) {
            let logged = try connection.query(
                "SELECT duration * 1e0 FROM viewlog WHERE sessnum = ? AND username = ? AND remoteip = ? AND time = ?",
                key.session, key.user, key.address, key.start)
            taken[key, default: []].formUnion(logged.map { Float($0.real(0)) })
        }
        return lengths.sorted { $0.key < $1.key }.map { view, length in
            guard let key = keys[view] else { return (view, length) }
            var length = length
            while !taken[key, default: []].insert(Float(length)).inserted {
                length += max(0.000_001, Double(Float(length).ulp))
            }
            return (view, length)
        }
    }

    /// `rows`: views that were logged now, with their numbers and their sessions'.
    private static func noteLogged(
        _ rows: [Row], moved: Set<SessionNumber>, _ connection: Connection
    ) throws(StoreError) {
        try inGroups(rows.map { $0.unsigned(0) }) { marks, views throws(StoreError) in
            try connection.execute(
                """
                INSERT INTO mw_viewing (sessnum, username, views, seconds, to_viewer, from_viewer)
                SELECT v.sessnum, v.username, COUNT(*), SUM(v.duration), SUM(v.to_viewer), SUM(v.from_viewer)
                FROM mw_view v WHERE v.viewid IN (\(marks)) GROUP BY v.sessnum, v.username
                ON DUPLICATE KEY UPDATE views = mw_viewing.views + VALUES(views),
                  seconds = mw_viewing.seconds + VALUES(seconds), to_viewer = mw_viewing.to_viewer + VALUES(to_viewer),
                  from_viewer = mw_viewing.from_viewer + VALUES(from_viewer)
                """, values: views)
        }
        let isMoved = { (row: Row) in moved.contains(SessionNumber(row.unsigned(1))) }
        try touch(rows.filter { !isMoved($0) }.map { $0.unsigned(1) }, connection)
        try inGroups(rows.filter { !isMoved($0) }.map { $0.unsigned(0) }) { marks, views throws(StoreError) in
            try connection.execute("UPDATE mw_view SET logged = 1 WHERE viewid IN (\(marks))", values: views)
        }
        try inGroups(rows.filter(isMoved).map { $0.unsigned(0) }) { marks, views throws(StoreError) in
            try connection.execute("DELETE FROM mw_view WHERE viewid IN (\(marks))", values: views)
        }
    }

    /// What a row of `viewlog` is known by beside its session. `viewlog` keeps lengths in single precision.
    private struct LoggedView: Hashable {
        var user: String
        var address: String
        var start: String
        var seconds: Float

        /// Of four columns of `row`.
        init(_ row: Row, from first: Int) {
            (user, address, start) = (row.text(first), row.text(first + 1), row.text(first + 2))
            seconds = Float(row.real(first + 3))
        }
    }

    private static func insertIntoLog(
        _ session: SessionNumber, _ view: LoggedView, _ connection: Connection
    ) throws(StoreError) {
        let seconds = Double(view.seconds)
        try connection.execute(
            """
            INSERT INTO viewlog (sessnum, username, remoteip, remotehost, time, duration)
            SELECT ?, ?, ?, '', ?, ? FROM (SELECT 1) one
            WHERE NOT EXISTS (
              SELECT 1 FROM viewlog
              WHERE sessnum = ? AND username = ? AND remoteip = ? AND time = ? AND duration = ?)
            """, session, view.user, view.address, view.start, seconds, session, view.user, view.address, view.start,
            seconds)
    }
}
