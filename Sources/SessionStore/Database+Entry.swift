import SessionModel

/// Who comes with a name and a password that was checked.
extension Database {
    /// Where `user` may go: to `session`, where a `viewperm` row lets them view it, or (nil) to the newest of their own.
    /// Nil when there is none, or it does not run.
    public func seat(of user: UserName, in session: SessionNumber?) async throws(StoreError) -> ResolvedToken? {
        try await run(repeatable: true) { connection throws(StoreError) in
            // The portal's tables compare names without regard to case; here every byte counts.
            let start = """
                SELECT m.sessnum, m.owner, IF(p.readonly = 'No', 'act', 'watch'), 'password', m.hostname, m.dispnum,
                  d.link_key, d.password
                FROM mw_session m
                JOIN mw_display d ON d.hostname = m.hostname AND d.dispnum = m.dispnum AND d.sessnum = m.sessnum
                JOIN viewperm p ON p.sessnum = m.sessnum AND p.viewuser = ? AND BINARY p.viewuser = ?
                WHERE m.state = 'running'
                """
            let rows =
                if let session {
                    try connection.query(start + " AND m.sessnum = ?", user, user, session)
                } else {
                    try connection.query(start + " AND m.owner = ? ORDER BY m.sessnum DESC LIMIT 1", user, user, user)
                }
            return try rows.first.map { row throws(StoreError) in
                var seat = try Self.resolved(row)
                seat.user = user
                return seat
            }
        }
    }
}
