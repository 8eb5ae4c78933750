import SessionModel

extension Database {
    /// Begins a session on a display that it takes: it is `starting`, and the portal sees nothing of it before
    /// ``markRunning(_:steps:)``. Where limits are set, those who begin sessions of one user, or of one application,
    /// wait for each other, so that a limit holds however many ask; a load test's count against none. On MyISAM tables a crash in between leaves rows
    /// that ``stuckStarts(olderThan:)``, ``removeHalfBegun()`` or ``recountUses()`` finds.
    public func beginSession(
        _ session: NewSession, claiming: DisplayClaim, limits: SessionLimits
    ) async throws(StoreError) -> Begun {
        try await run { connection throws(StoreError) in
            try connection.transaction { () throws(StoreError) -> Begun in
                if let refusal = try Self.refusal(of: session, limits, connection) { return refusal }
                let begun = try self.taking(claiming, connection) { display throws(StoreError) -> Begun in
                    .began(try Self.writeRows(of: session, on: display.id, connection), display)
                }
                return begun ?? .noneLeft
            }
        }
    }

    /// Moves a session that is starting to another display; nil when there is none to take, or the session does not
    /// start any more. The display it had must have been dropped.
    public func reclaim(
        _ number: SessionNumber, claiming: DisplayClaim
    ) async throws(StoreError) -> SessionDisplay? {
        try await run { connection throws(StoreError) in
            try connection.transaction { () throws(StoreError) -> SessionDisplay? in
                let row = try connection.query(
                    "SELECT geometry FROM mw_session WHERE sessnum = ? AND state = 'starting' FOR UPDATE", number
                ).first
                guard let geometry = row?.geometry(0) else { return nil }
                return try self.taking(claiming, connection) { display throws(StoreError) -> SessionDisplay in
                    let zone = try Self.zone(of: display.id.host, connection)
                    try connection.execute(
                        "UPDATE session SET exechost = ?, dispnum = ?, zone_id = ? WHERE sessnum = ?", display.id.host,
                        display.id.number, zone, number)
                    try connection.execute(
                        "UPDATE mw_session SET hostname = ?, dispnum = ?, zone_id = ? WHERE sessnum = ?",
                        display.id.host, display.id.number, zone, number)
                    try Self.bind(display.id, to: number, geometry, connection)
                    return display
                }
            }
        }
    }

    /// Notes that the session's application runs, and what its start tried: now the portal sees it, by its owner's
    /// `viewperm` row, which comes last. A session that does not start any more stays as it is.
    public func markRunning(_ number: SessionNumber, steps: String) async throws(StoreError) {
        try await run(repeatable: true) { connection throws(StoreError) in
            try connection.transaction { () throws(StoreError) in
                let changed = try connection.execute(
                    """
                    UPDATE mw_session m
                    LEFT JOIN mw_display d ON d.hostname = m.hostname AND d.dispnum = m.dispnum AND d.sessnum = m.sessnum
                    SET m.state = 'running', m.running = UTC_TIMESTAMP(3), m.steps = ?, d.state = 'used'
                    WHERE m.sessnum = ? AND m.state = 'starting'
                    """, steps, number)
                guard changed > 0 else { return }
                // The session's row is locked by this transaction: reading it here waits for nobody.
                try connection.execute(
                    """
                    UPDATE mw_session m JOIN display p ON p.hostname = m.hostname AND p.dispnum = m.dispnum
                    SET p.status = 'used', p.sessnum = m.sessnum, p.geometry = m.geometry
                    WHERE m.sessnum = ?
                    """, number)
                // The port that file transfers of a display are known by: 9000 and the number, as long as it fits.
                try connection.execute(
                    """
                    REPLACE INTO viewperm (sessnum, viewuser, viewtoken, geometry, fwhost, fwport, vncpass, readonly)
                    SELECT m.sessnum, m.owner, ?, m.geometry, m.hostname,
                      IF(m.dispnum <= 65535 - 9000, 9000 + m.dispnum, m.dispnum), COALESCE(p.vncpass, ''), 'No'
                    FROM mw_session m LEFT JOIN display p ON p.hostname = m.hostname AND p.dispnum = m.dispnum
                    WHERE m.sessnum = ?
                    """, Secret.token(), number)
            }
        }
    }

    /// The sessions that have been starting for more than so many seconds: nobody finishes them.
    public func stuckStarts(olderThan seconds: Int) async throws(StoreError) -> [SessionRecord] {
        try await run(repeatable: true) { connection throws(StoreError) in
            try Self.records(
                try connection.query(
                    Self.selection + " WHERE m.state = 'starting' AND m.started < UTC_TIMESTAMP(3) - INTERVAL ? SECOND"
                        + " ORDER BY m.sessnum", seconds))
        }
    }

    /// How many sessions of `user` start or run on each host that has any.
    public func sessionsPerHost(of user: UserName) async throws(StoreError) -> [HostName: Int] {
        try await run(repeatable: true) { connection throws(StoreError) in
            let rows = try connection.query(
                "SELECT hostname FROM mw_session WHERE owner = ? AND state IN ('starting', 'running')", user)
            var counts: [HostName: Int] = [:]
            for row in rows { counts[try row.name(0), default: 0] += 1 }
            return counts
        }
    }

    /// The session, in whatever state; nil when it is none of ours.
    public func session(_ number: SessionNumber) async throws(StoreError) -> SessionRecord? {
        try await run(repeatable: true) { connection throws(StoreError) in
            try Self.record(of: number, connection)
        }
    }

    /// The sessions that live, and those that failed within the last day, of `owner` or of everyone, by number.
    public func sessions(of owner: UserName?) async throws(StoreError) -> [SessionRecord] {
        try await run(repeatable: true) { connection throws(StoreError) in
            let listed = """
                 WHERE (m.state IN ('starting', 'running', 'ending')
                  OR (m.state = 'failed' AND m.ended > UTC_TIMESTAMP(3) - INTERVAL 1 DAY))
                """
            let rows =
                if let owner {
                    try connection.query(Self.selection + listed + " AND m.owner = ? ORDER BY m.sessnum", owner)
                } else {
                    try connection.query(Self.selection + listed + " ORDER BY m.sessnum")
                }
            return try Self.records(rows)
        }
    }

    /// The sessions that live on `host`, by number.
    public func sessions(on host: HostName) async throws(StoreError) -> [SessionRecord] {
        try await run(repeatable: true) { connection throws(StoreError) in
            try Self.records(
                try connection.query(
                    Self.selection + " WHERE m.hostname = ? AND m.state IN ('starting', 'running', 'ending')"
                        + " ORDER BY m.sessnum", host))
        }
    }

    /// The sessions whose end was begun and not finished, by number.
    public func endingSessions() async throws(StoreError) -> [SessionRecord] {
        try await run(repeatable: true) { connection throws(StoreError) in
            try Self.records(try connection.query(Self.selection + " WHERE m.state = 'ending' ORDER BY m.sessnum"))
        }
    }

    static func record(of number: SessionNumber, _ connection: Connection) throws(StoreError) -> SessionRecord? {
        try records(try connection.query(selection + " WHERE m.sessnum = ?", number)).first
    }

    /// What every record is made from.
    static let selection = """
        SELECT m.sessnum, m.state, m.owner, m.application, m.hostname, m.dispnum, d.link_key, d.password, d.uid,
          d.boot_id, m.geometry, m.timeout, m.reason, m.error_id, m.started,
          TIMESTAMPDIFF(SECOND, m.started, UTC_TIMESTAMP(3)),
          (SELECT COUNT(*) FROM mw_view v WHERE v.sessnum = m.sessnum AND v.opened IS NOT NULL AND v.duration IS NULL),
          m.moved, COALESCE(TIMESTAMPDIFF(SECOND, m.ending, UTC_TIMESTAMP(3)), 0), m.final_wall, m.final_cpu
        FROM mw_session m
        LEFT JOIN mw_display d ON d.hostname = m.hostname AND d.dispnum = m.dispnum AND d.sessnum = m.sessnum
        """

    static func records(_ rows: [Row]) throws(StoreError) -> [SessionRecord] {
        var records: [SessionRecord] = []
        for row in rows {
            guard let state = SessionState(rawValue: row.text(1)) else {
                throw .internal(cause: "session \(row.text(0)) has no known state")
            }
            let display = row.optional(6).map { key in
                SessionRecord.Display(
                    key: Secret(key), password: Secret(row.text(7)), uid: UInt32(clamping: row.integer(8)),
                    bootID: row.text(9))
            }
            records.append(
                SessionRecord(
                    number: SessionNumber(row.unsigned(0)), state: state, owner: try row.name(2),
                    application: try row.name(3), place: try place(row), display: display, geometry: row.geometry(10),
                    timeout: row.integer(11), reason: row.text(12),
                    errorID: row.optional(13), started: row.text(14), age: row.integer(15), viewers: row.integer(16),
                    isMoved: row.integer(17) == 1, endingFor: row.integer(18),
                    noted: row.optional(19).map { _ in SessionRecord.Usage(wall: row.real(19), cpu: row.real(20)) }))
        }
        return records
    }

    /// A start that never had a display has no host's name.
    private static func place(_ row: Row) throws(StoreError) -> DisplayID? {
        row.text(4).isEmpty ? nil : DisplayID(host: try row.name(4), number: try row.display(5))
    }

    /// Why no session may begin, if so. The limit's row is locked until the transaction ends.
    private static func refusal(
        of session: NewSession, _ limits: SessionLimits, _ connection: Connection
    ) throws(StoreError) -> Begun? {
        if limits.perUser > 0 {
            try lockLimit("user:\(session.owner)", connection)
            let rows = try connection.query(
                "SELECT COUNT(*) FROM mw_session WHERE owner = ? AND state IN ('starting', 'running')", session.owner)
            if rows.first?.integer(0) ?? 0 >= limits.perUser { return .userLimit(limits.perUser) }
        }
        if limits.perApplication > 0 {
            try lockLimit("application:\(session.application)", connection)
            let rows = try connection.query(
                """
                SELECT COUNT(*) FROM mw_session
                WHERE application = ? AND state IN ('starting', 'running') AND stress IS NULL
                """, session.application)
            if rows.first?.integer(0) ?? 0 >= limits.perApplication { return .applicationLimit(limits.perApplication) }
        }
        return nil
    }

    private static func lockLimit(_ name: String, _ connection: Connection) throws(StoreError) {
        try connection.execute(
            "INSERT INTO mw_limit (name, tick) VALUES (?, 1) ON DUPLICATE KEY UPDATE tick = tick + 1", name)
    }

    private static func zone(of host: HostName, _ connection: Connection) throws(StoreError) -> Int {
        try connection.query("SELECT zone_id FROM host WHERE hostname = ?", host).first?.integer(0) ?? 0
    }

    private static func writeRows(
        of session: NewSession, on display: DisplayID, _ connection: Connection
    ) throws(StoreError) -> SessionNumber {
        let address = String(session.address.prefix(40))
        let zone = if let named = session.zoneID { named } else { try zone(of: display.host, connection) }
        try connection.execute(
            """
            INSERT INTO session (username, remoteip, exechost, dispnum, start, accesstime, timeout, appname, sessname,
              sesstoken, params, zone_id)
            VALUES (?, ?, ?, ?, NOW(), NOW(), ?, ?, ?, ?, ?,
              ?)
            """, session.owner, address, display.host, display.number, session.timeout, session.application,
            String(session.title.prefix(100)), session.sessionToken, session.parameters, zone)
        let number = SessionNumber(connection.lastInsertID)
        do throws(StoreError) {
            try connection.execute(
                """
                INSERT INTO mw_session (sessnum, state, kind, owner, application, hostname, dispnum, geometry, timeout,
                  with_gl, stress, remoteip, zone_id, started)
                VALUES (?, 'starting', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, UTC_TIMESTAMP(3))
                """, number, session.kind, session.owner, session.application, display.host, display.number,
                session.geometry, session.timeout, session.withGL, session.stress?.rawValue, address, zone)
            try bind(display, to: number, session.geometry, connection)
            return number
        } catch {
            // Where the engine rolls nothing back, the row goes by hand.
            _ = try? connection.execute("DELETE FROM session WHERE sessnum = ?", number)
            throw error
        }
    }
}
