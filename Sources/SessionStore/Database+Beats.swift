import SessionModel

extension Database {
    /// Hears a relay: its sign of life is counted, and its views' proofs are kept. What is not open yet is opened. With
    /// `at`, seconds of `clock`, the list is whole: this life's views that began before and are not in it have ended.
    /// The views of an earlier life of the relay have ended too, but for those of `predecessors`, which handed it their
    /// port and go on by themselves. Views that end so end at what is proven.
    ///
    /// - Parameter isLeaving: another life has the relay's port; this one goes on under its instance's name.
    /// - Returns: those that may not go on: closed or unknown ones, those whose session does not run, and those whose
    ///   permission is gone or became another.
    public func beatViews(
        relay: String, instance: String, isLeaving: Bool = false, predecessors: [String] = [], clock: String,
        at: Double?, _ proofs: [ViewProof]
    ) async throws(StoreError) -> [UInt64] {
        try await run(repeatable: true) { connection throws(StoreError) in
            try Self.hear(relay, instance, isLeaving: isLeaving, predecessors: predecessors, connection)
            // In the order of their numbers, so that two who write rows of many views wait for each other in one order.
            let proofs = proofs.sorted { $0.view < $1.view }
            var allowed: Set<UInt64> = []
            for group in Self.groups(proofs) {
                var known = try Self.standing(of: group.map(\.view), connection)
                let unopened = Set(group.map(\.view).filter { known[$0]?.isOpen == false })
                try Self.open(
                    group.filter { unopened.contains($0.view) }.map {
                        ViewBeginning(view: $0.view, began: $0.began, clock: clock, age: $0.age)
                    }, connection)
                for view in unopened { known[view]?.isOpen = true }
                try Self.keep(group, connection)
                try Self.keepForPortal(group, known, connection)
                allowed.formUnion(known.filter { $0.value.isAllowed }.keys)
            }
            if let at {
                try Self.closeUnlisted(
                    of: instance, clock, before: at, listed: Set(proofs.map(\.view)), connection)
            }
            return proofs.map(\.view).filter { !allowed.contains($0) }
        }
    }

    /// The relays, by name; whose figure stands still is not heard.
    public func relays() async throws(StoreError) -> [RelayRecord] {
        try await run(repeatable: true) { connection throws(StoreError) in
            let rows = try connection.query(
                """
                SELECT name, instance, beats FROM mw_relay
                UNION ALL
                SELECT DISTINCT '', v.relay, 0 FROM mw_view v LEFT JOIN mw_relay r ON r.instance = v.relay
                WHERE v.logged = 0 AND v.duration IS NULL AND v.opened IS NOT NULL AND r.name IS NULL
                ORDER BY 1, 2
                """)
            return rows.map { RelayRecord(name: $0.text(0), instance: $0.text(1), beats: $0.unsigned(2)) }
        }
    }

    /// Counts a relay's sign of life. The views of its life before are ended first, unless that life handed over to it: a
    /// crash in between repeats that. Whichever of the two is heard first, the life that leaves gets a row of its own.
    private static func hear(
        _ name: String, _ instance: String, isLeaving: Bool, predecessors: [String], _ connection: Connection
    ) throws(StoreError) {
        let name = String(name.prefix(80))
        let instance = String(instance.prefix(80))
        let known = try connection.query(
            "SELECT name, instance FROM mw_relay WHERE name = ? OR name = ?", name, instance)
        // A life that has left stays so: what it told before may be heard after what its successor tells.
        if isLeaving || known.contains(where: { $0.text(0) == instance }) {
            try connection.execute("DELETE FROM mw_relay WHERE name = ? AND instance = ?", name, instance)
            return try count(instance, instance, connection)
        }
        let before = known.first { $0.text(0) == name }?.text(1)
        if before != instance {
            let predecessors = predecessors.suffix(100).map { String($0.prefix(80)) }
            for life in predecessors where life != instance {
                try connection.execute(
                    "INSERT IGNORE INTO mw_relay (name, instance, beats) VALUES (?, ?, 0)", life, life)
            }
            if let before, !predecessors.contains(before) {
                _ = try closeViews(ofRelay: before, "its relay began anew", connection)
            }
        }
        try count(name, instance, connection)
    }

    private static func count(
        _ name: String, _ instance: String, _ connection: Connection
    ) throws(StoreError) {
        try connection.execute(
            """
            INSERT INTO mw_relay (name, instance, beats) VALUES (?, ?, 1)
            ON DUPLICATE KEY UPDATE instance = VALUES(instance), beats = beats + 1
            """, name, instance)
    }

    /// How a view that was not closed stands.
    private struct Standing {
        var isOpen: Bool
        var portalView: UInt64?
        var isAllowed: Bool
    }

    private static func standing(
        of views: [UInt64], _ connection: Connection
    ) throws(StoreError) -> [UInt64: Standing] {
        let rows = try connection.query(
            """
            SELECT v.viewid, v.opened IS NOT NULL, v.portal_view,
              \(mayGoOn)
            FROM mw_view v \(permission)
            WHERE v.viewid IN (\(marks(groupSize))) AND v.duration IS NULL
            """, values: views)
        return Dictionary(
            rows.map { row in
                (
                    row.unsigned(0),
                    Standing(
                        isOpen: row.integer(1) == 1, portalView: row.optional(2).map { _ in row.unsigned(2) },
                        isAllowed: row.integer(3) == 1)
                )
            }, uniquingKeysWith: { first, _ in first })
    }

    /// A proof only grows.
    private static func keep(_ proofs: [ViewProof], _ connection: Connection) throws(StoreError) {
        var values: [any Bindable] = []
        for proof in proofs {
            let seconds = proven(proof.seconds, within: proof.age)
            values += [proof.view, seconds, microseconds(seconds)]
        }
        try connection.execute(
            """
            UPDATE mw_view v JOIN (\(rows)) proof ON v.viewid = proof.id
            SET v.seconds = proof.a, v.heartbeat = v.opened + INTERVAL proof.b MICROSECOND
            WHERE v.duration IS NULL AND v.opened IS NOT NULL AND v.seconds < proof.a
            """, values: values)
    }

    /// The portal's rows of views tell people when each was last seen alive.
    private static func keepForPortal(
        _ proofs: [ViewProof], _ known: [UInt64: Standing], _ connection: Connection
    ) throws(StoreError) {
        let rows = proofs.compactMap { proof -> [any Bindable]? in
            guard let id = known[proof.view]?.portalView else { return nil }
            let silent = max(0, finite(proof.age)) - proven(proof.seconds, within: proof.age)
            return [id, 0.0, microseconds(silent)]
        }
        guard let last = rows.last else { return }
        let filled = rows + Array(repeating: last, count: groupSize - rows.count)
        try connection.execute(
            """
            UPDATE view p JOIN (\(Self.rows)) proof ON p.viewid = proof.id
            SET p.heartbeat = GREATEST(p.heartbeat, NOW() - INTERVAL proof.b MICROSECOND)
            """, values: filled.flatMap { $0 })
    }

    /// `members` in groups of 100; the last is filled up by repeating its last member, so that every group runs the same
    /// prepared statement.
    private static func groups(_ members: [ViewProof]) -> [[ViewProof]] {
        parts(members).map { $0 + Array(repeating: $0[$0.endIndex - 1], count: groupSize - $0.count) }
    }

    /// A group of rows, as a table: an id and two figures each.
    private static let rows =
        "SELECT CAST(? AS UNSIGNED) AS id, CAST(? AS DOUBLE) AS a, CAST(? AS SIGNED) AS b"
        + String(repeating: " UNION ALL SELECT ?, ?, ?", count: groupSize - 1)

    private static func closeUnlisted(
        of instance: String, _ clock: String, before at: Double, listed: Set<UInt64>, _ connection: Connection
    ) throws(StoreError) {
        let open = try connection.query(
            """
            SELECT viewid FROM mw_view
            WHERE relay = ? AND opened IS NOT NULL AND duration IS NULL AND (began < ? OR clock <> ?)
            ORDER BY viewid
            """, String(instance.prefix(80)), finite(at), String(clock.prefix(64)))
        let unlisted = open.map { $0.unsigned(0) }.filter { !listed.contains($0) }
        try end(unlisted.map { ViewEnding(view: $0, cause: "its end was not told") }, connection)
    }
}
