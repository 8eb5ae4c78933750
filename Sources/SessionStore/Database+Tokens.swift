import SessionModel

extension Database {
    /// Whether `user` may view the session, as its `viewperm` row says; nil when there is no such row.
    public func viewPermission(session: SessionNumber, user: UserName) async throws(StoreError) -> ViewPermission? {
        try await run(repeatable: true) { connection throws(StoreError) in
            try connection.query(
                "SELECT readonly <> 'No' FROM viewperm WHERE sessnum = ? AND viewuser = ?", session, user
            ).first.map { ViewPermission(isReadOnly: $0.integer(0) == 1) }
        }
    }

    /// Makes `token` good for `user` and the session: for `seconds`, or for as long as the session lives (nil), and
    /// for one connection when `once`. Only its SHA-256 is kept.
    public func mintToken(
        _ token: Secret, session: SessionNumber, user: UserName, mode: ViewMode, kind: TokenKind, seconds: Int?,
        once: Bool
    ) async throws(StoreError) {
        precondition(kind == .view || kind == .ticket, "the portal mints its own tokens, and a password is none")
        let minting = Minting(
            token: token, session: session, user: user, mode: mode, kind: kind, seconds: seconds, once: once)
        try await together(mintings, minting) { mintings, connection throws(StoreError) in
            // What is alone is a transaction by itself.
            guard mintings.count > 1 else { return [try Self.mint(mintings[0], connection)] }
            return try connection.transaction { () throws(StoreError) in
                var answers: [Void] = []
                for minting in mintings { answers.append(try Self.mint(minting, connection)) }
                return answers
            }
        }
    }

    /// A token that is made, and what it is good for.
    struct Minting: Sendable {
        var token: Secret
        var session: SessionNumber
        var user: UserName
        var mode: ViewMode
        var kind: TokenKind
        var seconds: Int?
        var once: Bool
    }

    /// One that is there already was written by an attempt whose answer was lost: no two are the same.
    private static func mint(_ minting: Minting, _ connection: Connection) throws(StoreError) {
        try connection.execute(
            """
            INSERT INTO mw_ticket (token_hash, sessnum, username, mode, kind, once, created, expires)
            VALUES (UNHEX(SHA2(?, 256)), ?, ?, ?, ?, ?, UTC_TIMESTAMP(3), UTC_TIMESTAMP(3) + INTERVAL ? SECOND)
            ON DUPLICATE KEY UPDATE token_hash = VALUES(token_hash)
            """, minting.token, minting.session, minting.user, minting.mode.rawValue, minting.kind.rawValue,
            minting.once, minting.seconds)
    }

    /// Where `token` leads; nil when it is unknown, expired, used up or revoked, or its session does not run. A
    /// token for one connection is used up by the first that asks.
    public func resolve(token: Secret) async throws(StoreError) -> ResolvedToken? {
        try await resolve(token) { _ in true }
    }

    /// The same for a ticket that was made for `user`, and leads to `session` where that is not nil; any other token is
    /// none, and is not used up.
    public func resolve(
        ticket: Secret, of user: UserName, to session: SessionNumber?
    ) async throws(StoreError) -> ResolvedToken? {
        try await resolve(ticket) { found in
            found.kind == .ticket && found.user == user && session ?? found.session == found.session
        }
    }

    /// Makes a token for one connection good again, since the one that came with it was refused for another reason.
    public func giveBack(token: Secret) async throws(StoreError) {
        try await run(repeatable: true) { connection throws(StoreError) in
            try connection.execute(
                "UPDATE mw_ticket SET used_at = NULL WHERE token_hash = UNHEX(SHA2(?, 256)) AND once = 1", token)
        }
    }

    private func resolve(
        _ token: Secret, _ isMeant: @escaping @Sendable (ResolvedToken) -> Bool
    ) async throws(StoreError) -> ResolvedToken? {
        guard (16...128).contains(token.exposed.utf8.count) else { return nil }
        return try await run(named: "resolve") { connection throws(StoreError) in
            if let row = try Self.ticket(token, connection) {
                let found = try Self.resolved(row)
                guard isMeant(found) else { return nil }
                if row.integer(8) == 1 {
                    let first = try connection.execute(
                        """
                        UPDATE mw_ticket SET used_at = UTC_TIMESTAMP(3)
                        WHERE token_hash = UNHEX(SHA2(?, 256)) AND used_at IS NULL
                        """, token)
                    guard first == 1 else { return nil }
                }
                return found
            }
            return try Self.viewToken(token, connection).map(Self.resolved).flatMap { isMeant($0) ? $0 : nil }
        }
    }

    /// Forgets tokens that have expired; gives how many.
    public func removeExpiredTokens() async throws(StoreError) -> Int {
        try await run(repeatable: true) { connection throws(StoreError) in
            Int(try connection.execute("DELETE FROM mw_ticket WHERE expires < UTC_TIMESTAMP(3)"))
        }
    }

    private static func ticket(_ token: Secret, _ connection: Connection) throws(StoreError) -> Row? {
        try connection.query(
            """
            SELECT m.sessnum, t.username, IF(p.readonly = 'No', t.mode, 'watch'), t.kind, m.hostname, m.dispnum,
              d.link_key, d.password, t.once
            FROM mw_ticket t
            JOIN mw_session m ON m.sessnum = t.sessnum AND m.state = 'running'
            JOIN mw_display d ON d.hostname = m.hostname AND d.dispnum = m.dispnum AND d.sessnum = m.sessnum
            JOIN viewperm p ON p.sessnum = t.sessnum AND p.viewuser = t.username
            WHERE t.token_hash = UNHEX(SHA2(?, 256)) AND (t.expires IS NULL OR t.expires > UTC_TIMESTAMP(3))
              AND (t.once = 0 OR t.used_at IS NULL)
            """, token
        ).first
    }

    /// The portal compares tokens without regard to case; here every byte counts.
    private static func viewToken(_ token: Secret, _ connection: Connection) throws(StoreError) -> Row? {
        try connection.query(
            """
            SELECT m.sessnum, p.viewuser, IF(p.readonly = 'No', 'act', 'watch'), 'portal', m.hostname, m.dispnum,
              d.link_key, d.password, 0
            FROM viewperm p
            JOIN mw_session m ON m.sessnum = p.sessnum AND m.state = 'running'
            JOIN mw_display d ON d.hostname = m.hostname AND d.dispnum = m.dispnum AND d.sessnum = m.sessnum
            WHERE p.viewtoken = ? AND BINARY p.viewtoken = ?
            """, token, token
        ).first
    }

    static func resolved(_ row: Row) throws(StoreError) -> ResolvedToken {
        guard let mode = ViewMode(rawValue: row.text(2)), let kind = TokenKind(rawValue: row.text(3)) else {
            throw .internal(cause: "a token of session \(row.text(0)) has no known mode or kind")
        }
        return ResolvedToken(
            session: SessionNumber(row.unsigned(0)), user: try row.name(1), mode: mode, kind: kind,
            host: try row.name(4), display: try row.display(5), key: Secret(row.text(6)), password: Secret(row.text(7)))
    }
}
