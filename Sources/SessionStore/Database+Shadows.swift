import SessionModel

// A uid goes from `free` to `used` to `stale` and back, each step by one statement that asks for the step before: whichever
// controller dies in between, another finds the uid in the state it is in.

extension Database {
    /// The uid that `owner` has, else one that nobody has; nil when every one of `uids` is in use or not clean yet. Its home
    /// lies below `folder`, by its number. Those that nobody ever had come first, then those that were given back longest ago.
    public func claimShadow(
        _ owner: UserName, of uids: ClosedRange<UInt32>, homesIn folder: String
    ) async throws(StoreError) -> ShadowAccount? {
        try await run { connection throws(StoreError) in
            while true {
                // Claimed anew: a start that follows has the time it needs before the uid may be taken back.
                try connection.execute(
                    "UPDATE mw_shadow SET since = UTC_TIMESTAMP(3) WHERE owner = ? AND state = 'used'", owner)
                if let own = try Self.shadow(of: owner, connection) { return own }
                do throws(StoreError) {
                    if let new = try Self.newShadow(owner, uids, folder, connection) { return new }
                    guard let free = try Self.freeShadow(uids, connection) else {
                        // Another start of the same person may have had the last one meanwhile.
                        return try Self.shadow(of: owner, connection)
                    }
                    let home = "\(folder)/\(free)"
                    let taken = try connection.execute(
                        """
                        UPDATE mw_shadow SET state = 'used', owner = ?, stress = ?, home = ?, since = UTC_TIMESTAMP(3)
                        WHERE uid = ? AND state = 'free'
                        """, owner, owner.isStress, home, free)
                    if taken == 1 { return ShadowAccount(uid: free, home: home) }
                } catch .duplicate {
                    // Another start of the same person, or another number: look again.
                    continue
                }
            }
        }
    }

    /// The uid that `owner` has now; nil when they have none.
    public func shadow(of owner: UserName) async throws(StoreError) -> ShadowAccount? {
        try await run(repeatable: true) { connection throws(StoreError) in
            try Self.shadow(of: owner, connection)
        }
    }

    /// Notes that `owner`'s uid comes to be used on `host`, or that the host keeps something of it; false when it is not theirs
    /// any more. Of a session there is a row already.
    public func noteShadow(
        _ uid: UInt32, of owner: UserName, on host: HostName
    ) async throws(StoreError) -> Bool {
        try await run(repeatable: true) { connection throws(StoreError) in
            try connection.transaction { () throws(StoreError) -> Bool in
                let own = try connection.query(
                    "SELECT uid FROM mw_shadow WHERE uid = ? AND owner = ? AND state = 'used' FOR UPDATE", uid, owner)
                guard !own.isEmpty else { return false }
                try connection.execute("INSERT IGNORE INTO mw_shadow_host (uid, hostname) VALUES (?, ?)", uid, host)
                return true
            }
        }
    }

    /// Takes uids from owners who have no session left, claimed more than so many seconds ago: a start that has claimed one
    /// has no session at first. `ofStress`: from load tests' users alone. Gives how many there were.
    public func retireShadows(unusedFor seconds: Int, ofStress: Bool = false) async throws(StoreError) -> Int {
        try await run(repeatable: true) { connection throws(StoreError) in
            let idle = try connection.query(
                """
                SELECT uid FROM mw_shadow s
                WHERE state = 'used' AND since <= UTC_TIMESTAMP(3) - INTERVAL ? SECOND AND s.stress >= ? AND NOT EXISTS (
                  SELECT 1 FROM mw_session m WHERE m.owner = s.owner AND m.state IN ('starting', 'running', 'ending'))
                """, seconds, ofStress)
            var count = 0
            for row in idle {
                // With the row locked, whoever begins a session meanwhile either shows it here or learns of it by
                // ``noteShadow(_:of:on:)``.
                count += try connection.transaction { () throws(StoreError) -> Int in
                    let owner = try connection.query(
                        "SELECT owner FROM mw_shadow WHERE uid = ? AND state = 'used' FOR UPDATE", row.integer(0)
                    ).first?.optional(0)
                    guard let owner else { return 0 }
                    let live = try connection.query(
                        """
                        SELECT 1 FROM mw_session WHERE owner = ? AND state IN ('starting', 'running', 'ending') LIMIT 1
                        """, owner)
                    guard live.isEmpty else { return 0 }
                    return Int(
                        try connection.execute(
                            """
                            UPDATE mw_shadow SET state = 'stale', owner = NULL, since = UTC_TIMESTAMP(3)
                            WHERE uid = ? AND state = 'used'
                            """, row.integer(0)))
                }
            }
            return count
        }
    }

    /// The uids that are not clean yet, the oldest first, each with the hosts that have to clean it. A host that is not
    /// recorded any more has nothing to do with us.
    public func staleShadows() async throws(StoreError) -> [StaleShadow] {
        try await run(repeatable: true) { connection throws(StoreError) in
            let rows = try connection.query(
                """
                SELECT s.uid, s.home, h.hostname FROM mw_shadow s
                LEFT JOIN (mw_shadow_host u JOIN mw_host h ON h.hostname = u.hostname) ON u.uid = s.uid
                WHERE s.state = 'stale' ORDER BY s.since, s.uid, h.hostname
                """)
            var found: [StaleShadow] = []
            for row in rows {
                let account = ShadowAccount(uid: UInt32(clamping: row.integer(0)), home: row.text(1))
                if found.last?.account != account { found.append(StaleShadow(account: account, hosts: [])) }
                if row.optional(2) != nil { found[found.count - 1].hosts.append(try row.name(2)) }
            }
            return found
        }
    }

    /// Notes that nothing of a stale uid is left on `host`.
    public func noteClean(_ uid: UInt32, on host: HostName) async throws(StoreError) {
        try await run(repeatable: true) { connection throws(StoreError) in
            try connection.execute(
                """
                DELETE FROM mw_shadow_host WHERE uid = ? AND hostname = ?
                  AND EXISTS (SELECT 1 FROM mw_shadow s WHERE s.uid = mw_shadow_host.uid AND s.state = 'stale')
                """, uid, host)
        }
    }

    /// Gives a stale uid back that every recorded host has cleaned; false when it is not so.
    public func freeShadow(_ uid: UInt32) async throws(StoreError) -> Bool {
        try await run(repeatable: true) { connection throws(StoreError) in
            try connection.transaction { () throws(StoreError) -> Bool in
                let freed = try connection.execute(
                    """
                    UPDATE mw_shadow SET state = 'free', since = UTC_TIMESTAMP(3)
                    WHERE uid = ? AND state = 'stale' AND NOT EXISTS (
                      SELECT 1 FROM mw_shadow_host u JOIN mw_host h ON h.hostname = u.hostname WHERE u.uid = ?)
                    """, uid, uid)
                guard freed == 1 else { return false }
                try connection.execute("DELETE FROM mw_shadow_host WHERE uid = ?", uid)
                return true
            }
        }
    }

    private static func shadow(
        of owner: UserName, _ connection: Connection
    ) throws(StoreError) -> ShadowAccount? {
        let rows = try connection.query("SELECT uid, home FROM mw_shadow WHERE owner = ? AND state = 'used'", owner)
        return rows.first.map { ShadowAccount(uid: UInt32(clamping: $0.integer(0)), home: $0.text(1)) }
    }

    /// A uid that has no row yet; nil when all have.
    private static func newShadow(
        _ owner: UserName, _ uids: ClosedRange<UInt32>, _ folder: String, _ connection: Connection
    ) throws(StoreError) -> ShadowAccount? {
        let last = try connection.query(
            "SELECT MAX(uid) FROM mw_shadow WHERE uid BETWEEN ? AND ?", uids.lowerBound, uids.upperBound)
        let next = last.first?.optional(0).flatMap { UInt32($0) }.map { UInt64($0) + 1 } ?? UInt64(uids.lowerBound)
        guard next <= UInt64(uids.upperBound) else { return nil }
        let uid = UInt32(next)
        let home = "\(folder)/\(uid)"
        try connection.execute(
            "INSERT INTO mw_shadow (uid, state, owner, stress, home, since) VALUES (?, 'used', ?, ?, ?, UTC_TIMESTAMP(3))",
            uid, owner, owner.isStress, home)
        return ShadowAccount(uid: uid, home: home)
    }

    private static func freeShadow(
        _ uids: ClosedRange<UInt32>, _ connection: Connection
    ) throws(StoreError) -> UInt32? {
        try connection.query(
            """
            SELECT uid FROM mw_shadow WHERE state = 'free' AND uid BETWEEN ? AND ? ORDER BY since, uid LIMIT 1
            """, uids.lowerBound, uids.upperBound
        ).first.map { UInt32(clamping: $0.integer(0)) }
    }
}
