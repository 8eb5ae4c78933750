import SessionModel

// The portal rewrites whole rows of `host`: its status is shown there and never rested on. That a host is set aside is
// what `mw_host.set_aside` says, written before the status and removed after it, so that a crash in between leaves a
// host that is probed and taken back.

extension Database {
    /// Counts a start that failed by the host's fault; gives how many did in a row. 0 for a host that was not added
    /// here.
    public func noteHostFailure(_ host: HostName) async throws(StoreError) -> Int {
        try await run { connection throws(StoreError) in
            let changed = try connection.execute(
                "UPDATE mw_host SET failures = LAST_INSERT_ID(failures + 1) WHERE hostname = ?", host)
            return changed == 1 ? Int(clamping: connection.lastInsertID) : 0
        }
    }

    /// Notes that a start succeeded on the host: those that failed before it are forgotten.
    public func noteHostSuccess(_ host: HostName) async throws(StoreError) {
        try await run(repeatable: true) { connection throws(StoreError) in
            try connection.execute("UPDATE mw_host SET failures = 0 WHERE hostname = ? AND failures > 0", host)
        }
    }

    /// Sets a host aside that is `up`, or one that is set aside already once more, and has it probed after so many
    /// seconds. False, and nothing changed, when its status is another's.
    public func setAside(_ host: HostName, reason: String, seconds: Int) async throws(StoreError) -> Bool {
        try await run { connection throws(StoreError) in
            let changed = try connection.execute(
                """
                UPDATE mw_host SET set_aside = ?, probe_at = UTC_TIMESTAMP(3) + INTERVAL ? SECOND, probes = probes + 1
                WHERE hostname = ? AND EXISTS (
                  SELECT 1 FROM host h
                  WHERE h.hostname = ? AND (h.status = 'up' OR (h.status = 'check' AND set_aside IS NOT NULL)))
                """, String(reason.prefix(255)), seconds, host, host)
            guard changed == 1 else { return false }
            try connection.execute("UPDATE host SET status = 'check' WHERE hostname = ? AND status = 'up'", host)
            return true
        }
    }

    /// Takes a host back that was set aside; true for the one who did it. A status that somebody else set meanwhile
    /// stays, and a host that others put to `check` is none of ours.
    public func takeBack(_ host: HostName) async throws(StoreError) -> Bool {
        try await run { connection throws(StoreError) in
            try connection.transaction { () throws(StoreError) -> Bool in
                try connection.execute(
                    """
                    UPDATE host SET status = 'up' WHERE hostname = ? AND status = 'check'
                      AND EXISTS (SELECT 1 FROM mw_host m WHERE m.hostname = ? AND m.set_aside IS NOT NULL)
                    """, host, host)
                return try connection.execute(
                    """
                    UPDATE mw_host SET failures = 0, set_aside = NULL, probe_at = NULL, probes = 0
                    WHERE hostname = ? AND set_aside IS NOT NULL
                    """, host) == 1
            }
        }
    }

    /// The hosts that are set aside and due to be probed, by name: each is given to one who asks, and to the next
    /// after a minute when nothing came of it. Hosts that an administrator took out meanwhile are not probed.
    public func dueProbes() async throws(StoreError) -> [HostName] {
        try await run { connection throws(StoreError) in
            let due = try connection.query(
                """
                SELECT m.hostname FROM mw_host m JOIN host h ON h.hostname = m.hostname
                WHERE m.set_aside IS NOT NULL AND m.probe_at <= UTC_TIMESTAMP(3) AND h.status IN ('up', 'check')
                ORDER BY m.hostname
                """)
            var hosts: [HostName] = []
            for row in due {
                let claimed = try connection.execute(
                    """
                    UPDATE mw_host SET probe_at = UTC_TIMESTAMP(3) + INTERVAL 60 SECOND
                    WHERE hostname = ? AND set_aside IS NOT NULL AND probe_at <= UTC_TIMESTAMP(3)
                    """, row.text(0))
                if claimed == 1 { hosts.append(try row.name(0)) }
            }
            return hosts
        }
    }
}
