import SessionModel

extension Database {
    /// Puts right what the portal's rows tell wrongly of running sessions, after a portal wrote back a row it had read
    /// before, or a write was lost: the place in `session`, and the owner's `viewperm` row. Gives the sessions.
    public func correctPortalRows() async throws(StoreError) -> [SessionNumber] {
        try await run(repeatable: true) { connection throws(StoreError) in
            let misplaced = try connection.query(
                """
                SELECT m.sessnum, m.hostname, m.dispnum FROM mw_session m JOIN session s ON s.sessnum = m.sessnum
                WHERE m.state = 'running' AND m.hostname <> '' AND (s.exechost <> m.hostname OR s.dispnum <> m.dispnum)
                """)
            for row in misplaced {
                try connection.execute(
                    "UPDATE session SET exechost = ?, dispnum = ? WHERE sessnum = ?", row.text(1), row.integer(2),
                    row.unsigned(0))
            }
            let unseen = try connection.query(
                """
                SELECT m.sessnum, m.owner, m.geometry, m.hostname, m.dispnum, d.password
                FROM mw_session m
                JOIN session s ON s.sessnum = m.sessnum
                JOIN mw_display d ON d.hostname = m.hostname AND d.dispnum = m.dispnum AND d.sessnum = m.sessnum
                LEFT JOIN viewperm p ON p.sessnum = m.sessnum AND p.viewuser = m.owner
                WHERE m.state = 'running' AND p.sessnum IS NULL
                """)
            for row in unseen {
                try connection.execute(
                    """
                    INSERT IGNORE INTO viewperm
                      (sessnum, viewuser, viewtoken, geometry, fwhost, fwport, vncpass, readonly)
                    VALUES (?, ?, ?, ?, ?, ?, ?, 'No')
                    """, row.unsigned(0), row.text(1), Secret.token(), row.text(2), row.text(3),
                    Self.transferPort(row.integer(4)), VNCPassword.obfuscated(Secret(row.text(5))))
            }
            return Set((misplaced + unseen).map { SessionNumber($0.unsigned(0)) }).sorted()
        }
    }

    /// The port that file transfers of a display are known by: 9000 and the number, as long as it fits.
    private static func transferPort(_ display: Int) -> Int { display <= 65535 - 9000 ? 9000 + display : display }
}
