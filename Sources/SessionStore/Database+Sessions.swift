import SessionModel

extension Database {
    /// Writes a session's rows on a claimed display and gives its number. The portal sees nothing of it before the
    /// owner's `viewperm` row, which comes last: on MyISAM tables a crash in between leaves rows that
    /// ``endingSessions()`` or ``removeHalfBegun()`` finds. Throws ``StoreError/internal(cause:)`` when the display
    /// is not claimed or holds a session.
    public func beginSession(_ session: NewSession) async throws(StoreError) -> SessionNumber {
        try await run { connection throws(StoreError) in
            try connection.transaction { () throws(StoreError) -> SessionNumber in
                try connection.execute(
                    """
                    INSERT INTO session (username, remoteip, exechost, dispnum, start, accesstime, timeout, appname,
                      sessname, sesstoken, params, zone_id)
                    VALUES (?, ?, ?, ?, NOW(), NOW(), ?, ?, ?, ?, ?, ?)
                    """, session.owner, String(session.address.prefix(40)), session.host, session.display,
                    session.timeout, session.application, String(session.title.prefix(100)), session.sessionToken,
                    session.parameters, session.zoneID)
                let number = SessionNumber(connection.lastInsertID)
                do throws(StoreError) {
                    try connection.execute(
                        """
                        INSERT INTO mw_session
                          (sessnum, state, kind, owner, application, hostname, dispnum, geometry, timeout, started)
                        VALUES (?, 'starting', ?, ?, ?, ?, ?, ?, ?, UTC_TIMESTAMP(3))
                        """, number, session.kind, session.owner, session.application, session.host, session.display,
                        session.geometry, session.timeout)
                    let taken = try connection.execute(
                        """
                        UPDATE mw_display d
                        LEFT JOIN display p ON p.hostname = d.hostname AND p.dispnum = d.dispnum
                        SET d.sessnum = ?, d.state = 'used', d.geometry = ?, p.sessnum = ?, p.status = 'used',
                          p.geometry = ?
                        WHERE d.hostname = ? AND d.dispnum = ? AND d.sessnum IS NULL
                        """, number, session.geometry, number, session.geometry, session.host, session.display)
                    guard taken > 0 else {
                        throw .internal(cause: "display \(session.display) on \(session.host) is not free to take")
                    }
                    try connection.execute(
                        """
                        INSERT INTO viewperm (sessnum, viewuser, viewtoken, geometry, fwhost, fwport, vncpass, readonly)
                        VALUES (?, ?, ?, ?, ?, ?, ?, 'No')
                        """, number, session.owner, Secret.token(), session.geometry, session.host,
                        Self.filePort(of: session.display), VNCPassword.obfuscated(session.password))
                    return number
                } catch {
                    // Where the engine rolls nothing back, the row goes by hand.
                    _ = try? connection.execute("DELETE FROM session WHERE sessnum = ?", number)
                    throw error
                }
            }
        }
    }

    /// Notes that the session's application was started.
    public func markRunning(_ number: SessionNumber) async throws(StoreError) {
        try await run(repeatable: true) { connection throws(StoreError) in
            try connection.execute(
                """
                UPDATE mw_session SET state = 'running', running = UTC_TIMESTAMP(3)
                WHERE sessnum = ? AND state = 'starting'
                """, number)
        }
    }

    /// The session, in whatever state; nil when it is none of ours.
    public func session(_ number: SessionNumber) async throws(StoreError) -> SessionRecord? {
        try await run(repeatable: true) { connection throws(StoreError) in
            try Self.record(of: number, connection)
        }
    }

    /// The sessions that live, of `owner` or of everyone, by number.
    public func sessions(of owner: UserName?) async throws(StoreError) -> [SessionRecord] {
        try await run(repeatable: true) { connection throws(StoreError) in
            let rows =
                if let owner {
                    try connection.query(
                        Self.selection + " WHERE m.owner = ? AND m.state IN ('starting', 'running', 'ending')"
                            + " ORDER BY m.sessnum", owner)
                } else {
                    try connection.query(
                        Self.selection + " WHERE m.state IN ('starting', 'running', 'ending') ORDER BY m.sessnum")
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
    private static let selection = """
        SELECT m.sessnum, m.state, m.owner, m.application, m.hostname, m.dispnum, d.link_key, d.password, d.uid,
          d.boot_id, m.geometry, m.timeout, m.reason, m.error_id, m.started,
          TIMESTAMPDIFF(SECOND, m.started, UTC_TIMESTAMP(3)),
          (SELECT COUNT(*) FROM mw_view v WHERE v.sessnum = m.sessnum AND v.duration IS NULL)
        FROM mw_session m
        LEFT JOIN mw_display d ON d.hostname = m.hostname AND d.dispnum = m.dispnum AND d.sessnum = m.sessnum
        """

    private static func records(_ rows: [Row]) throws(StoreError) -> [SessionRecord] {
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
                    application: try row.name(3), host: try row.name(4), displayNumber: try row.display(5),
                    display: display, geometry: row.geometry(10), timeout: row.integer(11), reason: row.text(12),
                    errorID: row.optional(13), started: row.text(14), age: row.integer(15), viewers: row.integer(16)))
        }
        return records
    }

    /// The port that file transfers of a display are known by in `viewperm`: 9000 and the number, as long as it fits.
    private static func filePort(of display: DisplayNumber) -> Int {
        display.value <= 65535 - 9000 ? 9000 + display.value : display.value
    }
}
