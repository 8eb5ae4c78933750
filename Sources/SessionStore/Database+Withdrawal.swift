import SessionModel

extension Database {
    /// The open views of a relay's life that may not go on: those whose session does not run, and those whose permission
    /// is gone or became another.
    public func withdrawnViews(ofRelay instance: String) async throws(StoreError) -> [UInt64] {
        try await run(repeatable: true) { connection throws(StoreError) in
            try connection.query(
                """
                SELECT v.viewid FROM mw_view v \(Self.permission)
                WHERE v.relay = ? AND v.opened IS NOT NULL AND v.duration IS NULL AND NOT \(Self.mayGoOn)
                ORDER BY v.viewid
                """, String(instance.prefix(80))
            ).map { $0.unsigned(0) }
        }
    }

    /// What ``mayGoOn`` looks at, beside a view `v`. By the sessions' number alone: with their state among the conditions
    /// MariaDB 10.11 reads every session that runs, for each view.
    static let permission = """
        LEFT JOIN mw_session m ON m.sessnum = v.sessnum
        LEFT JOIN viewperm p ON p.sessnum = v.sessnum AND p.viewuser = v.username
        """

    /// Whether a view may go on: 1 or 0. One that acts needs the right to; a page that came with the portal's token to
    /// watch comes again by itself, and acts, once it may.
    static let mayGoOn = """
        (m.state <=> 'running' AND p.sessnum IS NOT NULL
          AND IF(v.mode = 'act', p.readonly = 'No', v.kind <> 'portal' OR p.readonly <> 'No'))
        """
}
