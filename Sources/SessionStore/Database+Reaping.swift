import SessionModel

/// A running session as a round of reaping finds it.
public struct ReapingFact: Sendable, Equatable {
    public var number: SessionNumber
    public var owner: UserName
    public var application: ApplicationName
    /// nil once its host's name is not one any more.
    public var place: DisplayID?
    public var clocks: SessionClocks
    /// Its maximum age is not in the tables.
    public var sight: SessionSight
    /// Whether its viewers were told of the end that comes.
    public var isNoticed: Bool
    /// Whether the portal's row is there.
    public var hasRow: Bool
}

extension Database {
    /// The sessions that run, by number.
    public func reapingFacts() async throws(StoreError) -> [ReapingFact] {
        try await run(repeatable: true) { connection throws(StoreError) in
            let rows = try connection.query(
                """
                SELECT m.sessnum, m.owner, m.application, m.hostname, m.dispnum, m.unobserved, m.lived, m.kept,
                  m.kept_age, m.stops_in,
                  (SELECT COUNT(*) FROM mw_view v
                    WHERE v.sessnum = m.sessnum AND v.opened IS NOT NULL AND v.duration IS NULL),
                  (SELECT COUNT(*) FROM job j WHERE j.sessnum = m.sessnum AND j.active = 1),
                  COALESCE(s.accesstime > m.accessed, m.accessed IS NULL), COALESCE(h.away, 0),
                  IF(p.status = 'drain', h.drain_in, NULL),
                  IF(s.timeout > 0, s.timeout, m.timeout), m.noticed, s.sessnum IS NOT NULL
                FROM mw_session m
                LEFT JOIN session s ON s.sessnum = m.sessnum
                LEFT JOIN mw_host h ON h.hostname = m.hostname
                LEFT JOIN host p ON p.hostname = m.hostname
                WHERE m.state = 'running' ORDER BY m.sessnum
                """)
            var facts: [ReapingFact] = []
            for row in rows {
                let place: DisplayID? =
                    row.text(3).isEmpty ? nil : DisplayID(host: try row.name(3), number: try row.display(4))
                facts.append(
                    ReapingFact(
                        number: SessionNumber(row.unsigned(0)), owner: try row.name(1), application: try row.name(2),
                        place: place,
                        clocks: SessionClocks(
                            unobserved: row.real(5), lived: row.real(6), kept: row.real(7), keptAge: row.real(8),
                            stopsIn: row.optional(9).map { _ in row.real(9) }),
                        sight: SessionSight(
                            viewers: row.integer(10), jobs: row.integer(11), wasTouched: row.integer(12) == 1,
                            hostAway: row.real(13), drainIn: row.optional(14).map { _ in row.real(14) },
                            timeout: row.real(15)),
                        isNoticed: row.integer(16) == 1, hasRow: row.integer(17) == 1))
            }
            return facts
        }
    }

    /// Moves the clocks of all running sessions by `elapsed` seconds. Of those in `restarting` the unobserved time begins
    /// again, of those in `still` it stays what it is. Times until drains and of hosts' absence move along.
    public func advanceClocks(
        by elapsed: Double, restarting: [SessionNumber], still: [SessionNumber]
    ) async throws(StoreError) {
        try await run { connection throws(StoreError) in
            try connection.transaction { () throws(StoreError) in
                try connection.execute(
                    """
                    UPDATE mw_session SET unobserved = unobserved + ?, lived = lived + ?, kept = GREATEST(0, kept - ?),
                      kept_age = GREATEST(0, kept_age - ?), stops_in = GREATEST(0, stops_in - ?)
                    WHERE state = 'running'
                    """, elapsed, elapsed, elapsed, elapsed, elapsed)
                try Self.inGroups(restarting) { marks, numbers throws(StoreError) in
                    try connection.execute(
                        "UPDATE mw_session SET unobserved = 0 WHERE sessnum IN (\(marks))", values: numbers)
                }
                try Self.inGroups(still) { marks, numbers throws(StoreError) in
                    try connection.execute(
                        "UPDATE mw_session SET unobserved = GREATEST(0, unobserved - ?) WHERE sessnum IN (\(marks))",
                        values: [elapsed] + numbers)
                }
                try connection.execute("UPDATE mw_host SET away = away + ?", elapsed)
                try connection.execute(
                    "UPDATE mw_host SET drain_in = GREATEST(0, drain_in - ?) WHERE drain_in IS NOT NULL", elapsed)
            }
        }
    }

    /// Lets the portal's rows of `watched` tell of an access now, and notes which accesses were seen.
    public func noteAccesses(watched: [SessionNumber]) async throws(StoreError) {
        try await run(repeatable: true) { connection throws(StoreError) in
            try Self.inGroups(watched) { marks, numbers throws(StoreError) in
                try connection.execute(
                    "UPDATE session SET accesstime = NOW() WHERE sessnum IN (\(marks))", values: numbers)
            }
            let rows = try connection.query(
                """
                SELECT m.sessnum, s.accesstime FROM mw_session m JOIN session s ON s.sessnum = m.sessnum
                WHERE m.state = 'running' AND (m.accessed IS NULL OR s.accesstime > m.accessed)
                """)
            // Those that are watched have one time.
            for (time, group) in Dictionary(grouping: rows, by: { $0.text(1) }) {
                try Self.inGroups(group.map { SessionNumber($0.unsigned(0)) }) { marks, numbers throws(StoreError) in
                    try connection.execute(
                        "UPDATE mw_session SET accessed = ? WHERE sessnum IN (\(marks))", values: [time] + numbers)
                }
            }
        }
    }

    /// Notes that the hosts are heard of.
    public func noteHeard(_ hosts: [HostName]) async throws(StoreError) {
        try await run(repeatable: true) { connection throws(StoreError) in
            for host in hosts {
                try connection.execute("UPDATE mw_host SET away = 0 WHERE hostname = ? AND away > 0", host)
            }
        }
    }

    /// Begins the end of a session whose time is over, unless somebody came to watch it, or may in this moment; nil then,
    /// and when it does not run any more. `despiteViewers`: whoever watches was told.
    public func beginReap(
        _ number: SessionNumber, reason: String, despiteViewers: Bool
    ) async throws(StoreError) -> SessionRecord? {
        try await run { connection throws(StoreError) in
            let won = try connection.execute(
                """
                UPDATE mw_session m SET m.state = 'ending', m.reason = ?, m.ending = UTC_TIMESTAMP(3)
                WHERE m.sessnum = ? AND m.state = 'running'
                  AND (? OR NOT EXISTS (SELECT 1 FROM mw_view v WHERE v.sessnum = m.sessnum AND v.duration IS NULL))
                """, String(reason.prefix(255)), number, despiteViewers)
            return won == 1 ? try Self.record(of: number, connection) : nil
        }
    }

    /// Has a running session stopped in so many seconds; false when it does not run.
    public func stopLater(_ number: SessionNumber, in seconds: Int) async throws(StoreError) -> Bool {
        try await run(repeatable: true) { connection throws(StoreError) in
            try connection.execute(
                "UPDATE mw_session SET stops_in = ?, noticed = 0 WHERE sessnum = ? AND state = 'running'",
                Double(seconds), number)
            return try Self.runs(number, connection)
        }
    }

    /// Lets a running session stay: its unobserved time begins again, and it is not reaped as unobserved for `seconds`. With
    /// `whatever` no other end comes before either. False when it does not run.
    public func extend(
        _ number: SessionNumber, by seconds: Int, whatever: Bool
    ) async throws(StoreError) -> Bool {
        try await run(repeatable: true) { connection throws(StoreError) in
            let time = Double(seconds)
            try connection.execute(
                """
                UPDATE mw_session SET unobserved = 0, kept = ?,
                  kept_age = IF(?, ?, kept_age), noticed = IF(?, 0, noticed),
                  stops_in = IF(? AND stops_in IS NOT NULL, GREATEST(stops_in, ?), stops_in)
                WHERE sessnum = ? AND state = 'running'
                """, time, whatever, time, whatever, whatever, time, number)
            return try Self.runs(number, connection)
        }
    }

    /// Notes that a session's viewers were told of its end.
    public func noteNotice(_ number: SessionNumber) async throws(StoreError) {
        try await run(repeatable: true) { connection throws(StoreError) in
            try connection.execute("UPDATE mw_session SET noticed = 1 WHERE sessnum = ?", number)
        }
    }

    /// Has what runs on `host` ended in so many seconds; nil: not at all.
    public func setDrain(of host: HostName, in seconds: Int?) async throws(StoreError) {
        try await run(repeatable: true) { connection throws(StoreError) in
            try connection.execute(
                "UPDATE mw_host SET drain_in = ? WHERE hostname = ?", seconds.map(Double.init), host)
            try connection.execute(
                "UPDATE mw_session SET noticed = 0 WHERE hostname = ? AND state = 'running'", host)
        }
    }

    /// Keeps a proof of life of an open view; one that is older than what is proven changes nothing.
    public func noteProof(of view: UInt64, seconds: Double) async throws(StoreError) {
        try await run(repeatable: true) { connection throws(StoreError) in
            try connection.execute(
                "UPDATE mw_view SET seconds = GREATEST(seconds, ?) WHERE viewid = ? AND duration IS NULL", seconds, view
            )
        }
    }

    /// Forgets a life of a relay that is over.
    public func forgetRelay(_ instance: String) async throws(StoreError) {
        try await run(repeatable: true) { connection throws(StoreError) in
            try connection.execute("DELETE FROM mw_relay WHERE instance = ?", instance)
        }
    }

    /// The sessions whose accounts are written and whose displays nobody can ask after any more: their host has not been
    /// heard of for so many seconds, or is not recorded.
    public func lostEnds(after seconds: Double) async throws(StoreError) -> [SessionNumber] {
        try await run(repeatable: true) { connection throws(StoreError) in
            try connection.query(
                """
                SELECT m.sessnum FROM mw_session m LEFT JOIN mw_host h ON h.hostname = m.hostname
                WHERE m.state = 'ending' AND m.moved = 1 AND (h.hostname IS NULL OR h.away >= ?)
                """, seconds
            ).map { SessionNumber($0.unsigned(0)) }
        }
    }

    private static func runs(_ number: SessionNumber, _ connection: Connection) throws(StoreError) -> Bool {
        try connection.query("SELECT 1 FROM mw_session WHERE sessnum = ? AND state = 'running'", number).first != nil
    }
}
