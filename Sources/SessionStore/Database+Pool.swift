import SessionModel

extension Database {
    /// Takes the lowest free display number of the host for a display that nobody asked for yet: it is `starting`
    /// and counts as no use. nil when the uid range is used up, or there is no such host.
    public func claimForPool(_ fresh: FreshDisplay, template: String) async throws(StoreError) -> ClaimedDisplay? {
        try await run { connection throws(StoreError) in
            try connection.transaction { () throws(StoreError) -> ClaimedDisplay? in
                try self.insertDisplay(fresh, counted: false, template: template, connection)
            }
        }
    }

    /// Notes that a display's server answers, under which boot of its host and what it was made from: one of the pool
    /// becomes `ready`, one that a session waits for becomes `used`. False when it was not `starting`.
    public func markDisplayReady(
        _ id: DisplayID, bootID: String, template: String
    ) async throws(StoreError) -> Bool {
        try await run { connection throws(StoreError) in
            try connection.transaction { () throws(StoreError) -> Bool in
                let changed = try connection.execute(
                    """
                    UPDATE mw_display SET state = IF(sessnum IS NULL, 'ready', 'used'), boot_id = ?, template = ?,
                      since = UTC_TIMESTAMP(3)
                    WHERE hostname = ? AND dispnum = ? AND state = 'starting'
                    """, bootID, String(template.prefix(64)), id.host, id.number)
                guard changed == 1 else { return false }
                try connection.execute(
                    """
                    UPDATE display SET status = (SELECT state FROM mw_display WHERE hostname = ? AND dispnum = ?)
                    WHERE hostname = ? AND dispnum = ?
                    """, id.host, id.number, id.host, id.number)
                return true
            }
        }
    }

    /// Takes a display out of the pool, to be ended (`.ending`) or looked at (`.broken`). True for the one who did it;
    /// a display that a session has, or that is out already, stays as it is.
    public func retire(_ id: DisplayID, reason: String, as state: DisplayState) async throws(StoreError) -> Bool {
        precondition(state == .ending || state == .broken, "a display is not retired to \(state)")
        return try await run { connection throws(StoreError) in
            try connection.transaction { () throws(StoreError) -> Bool in
                let changed = try connection.execute(
                    """
                    UPDATE mw_display SET state = ?, reason = ?, since = UTC_TIMESTAMP(3)
                    WHERE hostname = ? AND dispnum = ? AND state IN ('ready', 'starting') AND sessnum IS NULL
                    """, state.rawValue, String(reason.prefix(255)), id.host, id.number)
                guard changed == 1 else { return false }
                try Self.showPortal(state == .broken ? "broken" : "absent", id, connection)
                return true
            }
        }
    }

    /// The displays of a kind that wait on `hosts`: host by host as they are given, of each the `perHost` that waited
    /// longest, longest first.
    public func readyDisplays(
        withGL: Bool, on hosts: [HostName], perHost: Int
    ) async throws(StoreError) -> [ReadyDisplay] {
        guard !hosts.isEmpty, perHost > 0 else { return [] }
        return try await run(repeatable: true) { connection throws(StoreError) in
            let ofOneHost = """
                (SELECT hostname, dispnum, template, boot_id, TIMESTAMPDIFF(SECOND, since, UTC_TIMESTAMP(3)), link_key
                FROM mw_display WHERE state = 'ready' AND with_gl = ? AND hostname = ? ORDER BY since LIMIT ?)
                """
            let rows = try connection.query(
                Array(repeating: ofOneHost, count: hosts.count).joined(separator: " UNION ALL "),
                values: hosts.flatMap { host -> [any Bindable] in [withGL, host, perHost] })
            var displays: [ReadyDisplay] = []
            for row in rows {
                displays.append(
                    ReadyDisplay(
                        id: DisplayID(host: try row.name(0), number: try row.display(1)), withGL: withGL,
                        template: row.text(2), bootID: row.text(3), age: row.integer(4), key: Secret(row.text(5))))
            }
            return displays
        }
    }

    /// What each host has that no session uses; a host that has nothing of it is left out.
    public func poolFigures() async throws(StoreError) -> [HostName: PoolFigures] {
        try await run(repeatable: true) { connection throws(StoreError) in
            let rows = try connection.query(
                """
                SELECT hostname, state, with_gl, COUNT(*) FROM mw_display
                WHERE state IN ('starting', 'ready', 'broken') AND sessnum IS NULL
                GROUP BY hostname, state, with_gl
                """)
            var hosts: [HostName: PoolFigures] = [:]
            for row in rows {
                let kind = row.integer(2) == 1 ? \PoolFigures.withGL : \PoolFigures.withoutGL
                let count = row.integer(3)
                var figures = hosts[try row.name(0), default: PoolFigures()]
                switch row.text(1) {
                case "ready": figures[keyPath: kind].ready += count
                case "starting": figures[keyPath: kind].starting += count
                default: figures.broken += count
                }
                hosts[try row.name(0)] = figures
            }
            return hosts
        }
    }

    /// How many starts were asked for of late, on all hosts together: failed ones too, they are demand as well. Those of
    /// synthetic displays are none: they take no display of a pool.
    public func recentStarts() async throws(StoreError) -> (withoutGL: RecentStarts, withGL: RecentStarts) {
        try await run(repeatable: true) { connection throws(StoreError) in
            let rows = try connection.query(
                """
                SELECT with_gl, SUM(started >= UTC_TIMESTAMP(3) - INTERVAL 10 SECOND), COUNT(*) FROM mw_session
                WHERE started >= UTC_TIMESTAMP(3) - INTERVAL 60 SECOND AND NOT stress <=> 'synthetic' GROUP BY with_gl
                """)
            var starts = (withoutGL: RecentStarts(), withGL: RecentStarts())
            for row in rows {
                let figures = RecentStarts(lastTen: row.integer(1), lastSixty: row.integer(2))
                if row.integer(0) == 1 { starts.withGL = figures } else { starts.withoutGL = figures }
            }
            return starts
        }
    }
}
