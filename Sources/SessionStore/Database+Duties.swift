import SessionModel

/// What one controller does for all of them.
public struct DutyRecord: Sendable, Equatable {
    /// Who does it; empty when nobody does.
    public var holder: String
    /// How often somebody went round with it, ever.
    public var round: UInt64
    /// Seconds since its last holder put it down in order; nil when nobody did since it was taken up.
    public var restedFor: Double?

    /// A duty as it is recorded.
    public init(holder: String, round: UInt64, restedFor: Double?) {
        self.holder = holder
        self.round = round
        self.restedFor = restedFor
    }
}

extension Database {
    /// The duty `name` as it stands; one that was never taken up is nobody's.
    public func duty(_ name: String) async throws(StoreError) -> DutyRecord {
        try await run(repeatable: true) { connection throws(StoreError) in
            let row = try connection.query(
                """
                SELECT holder, round, TIMESTAMPDIFF(MICROSECOND, rested, UTC_TIMESTAMP(3)) / 1000000
                FROM mw_duty WHERE name = ?
                """, name
            ).first
            guard let row else { return DutyRecord(holder: "", round: 0, restedFor: nil) }
            return DutyRecord(
                holder: row.text(0), round: row.unsigned(1), restedFor: row.optional(2).map { _ in row.real(2) })
        }
    }

    /// Goes round once with a duty that was last seen at `round`; false when somebody else did meanwhile.
    public func goRound(_ name: String, as holder: String, after round: UInt64) async throws(StoreError) -> Bool {
        try await run { connection throws(StoreError) in
            try connection.execute("INSERT IGNORE INTO mw_duty (name) VALUES (?)", name)
            return try connection.execute(
                "UPDATE mw_duty SET holder = ?, round = round + 1, rested = NULL WHERE name = ? AND round = ?", holder,
                name, round) == 1
        }
    }

    /// Puts down every duty of `holder`, for another to take up at once.
    public func putDownDuties(of holder: String) async throws(StoreError) {
        try await run(repeatable: true) { connection throws(StoreError) in
            try connection.execute(
                "UPDATE mw_duty SET holder = '', rested = UTC_TIMESTAMP(3) WHERE holder = ?", holder)
        }
    }
}
