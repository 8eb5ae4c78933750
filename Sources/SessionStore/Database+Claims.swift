import SessionModel

// A writing statement names tables of ours or tables of the portal's, not both, unless this transaction has locked the
// row of ours already or nobody who holds it asks for the portal's table: MyISAM holds its table's lock while InnoDB
// waits for a row, and nobody sees such a deadlock.

extension Database {
    /// Takes a display by `claim` and lets `body` write what goes with it; nil when there was none to take. To be
    /// called in a transaction. When something fails, that is rolled back, and the host's use is given back by hand
    /// where its engine rolls nothing back.
    func taking<Result>(
        _ claim: DisplayClaim, _ connection: Connection, _ body: (SessionDisplay) throws(StoreError) -> Result
    ) throws(StoreError) -> Result? {
        var counted: HostName?
        do throws(StoreError) {
            let display =
                switch claim {
                case .ready(let candidates): try Self.takeReady(candidates, connection, counted: &counted)
                case .fresh(let fresh): try takeFresh(fresh, connection, counted: &counted)
                }
            guard let display else { return nil }
            return try body(display)
        } catch {
            connection.abandonTransaction()
            if let counted, (try? Self.rollsBackHosts(connection)) == false {
                try? Self.giveBackUse(connection, counted)
            }
            throw error
        }
    }

    /// Gives a taken display to its session.
    static func bind(
        _ display: DisplayID, to number: SessionNumber, _ geometry: Geometry, _ connection: Connection
    ) throws(StoreError) {
        try connection.execute(
            "UPDATE mw_display SET sessnum = ?, geometry = ? WHERE hostname = ? AND dispnum = ?", number, geometry,
            display.host, display.number)
    }

    /// Gives a new display the lowest free number of its host; nil when there is none. Two who choose the same number
    /// meet at its key, and one chooses again.
    func insertDisplay(
        _ fresh: FreshDisplay, counted: Bool, template: String, _ connection: Connection
    ) throws(StoreError) -> ClaimedDisplay? {
        let last = min(65535, Int(fresh.uidCount) - 1)
        while let number = try freeNumber(connection, fresh.host, upTo: last) {
            let display = ClaimedDisplay(
                host: fresh.host, number: try Self.displayNumber(number), uid: fresh.uidBase + UInt32(number))
            do throws(StoreError) {
                try connection.execute(
                    """
                    INSERT INTO mw_display (hostname, dispnum, state, link_key, uid, password, geometry, depth, with_gl,
                      counted, template, created)
                    VALUES (?, ?, 'starting', ?, ?, ?, ?, ?, ?, ?, ?, UTC_TIMESTAMP(3))
                    """, fresh.host, display.number, fresh.key, display.uid, fresh.password, fresh.geometry,
                    fresh.depth, fresh.withGL, counted, String(template.prefix(64)))
            } catch .duplicate {
                continue
            }
            try connection.execute(
                """
                REPLACE INTO display (hostname, dispnum, geometry, depth, sessnum, vncpass, status)
                VALUES (?, ?, ?, ?, 0, ?, 'absent')
                """, fresh.host, display.number, fresh.geometry, fresh.depth, VNCPassword.obfuscated(fresh.password))
            return display
        }
        return nil
    }

    /// Counts one use less of `host`.
    static func giveBackUse(_ connection: Connection, _ host: HostName) throws(StoreError) {
        try connection.execute("UPDATE host SET uses = uses - 1 WHERE hostname = ? AND uses > 0", host)
    }

    /// Counts one use more of `host`; false when it is full, or there is no such host. On InnoDB the row's lock makes
    /// those who take a display of one host wait for each other.
    private static func countUse(_ connection: Connection, _ host: HostName) throws(StoreError) -> Bool {
        try connection.execute(
            "UPDATE host SET uses = uses + 1 WHERE hostname = ? AND (max_uses = 0 OR uses < max_uses)", host) == 1
    }

    /// One conditional UPDATE decides who gets a display. Who lost one looks which are left, so that many at once do
    /// not try every display one after another.
    private static func takeReady(
        _ candidates: [DisplayID], _ connection: Connection, counted: inout HostName?
    ) throws(StoreError) -> SessionDisplay? {
        var untried = candidates
        while let host = untried.first?.host {
            var here = untried.filter { $0.host == host }
            untried.removeAll { $0.host == host }
            guard try countUse(connection, host) else { continue }
            counted = host
            while let candidate = here.first {
                let taken = try connection.execute(
                    """
                    UPDATE mw_display SET state = 'used', counted = 1, since = UTC_TIMESTAMP(3)
                    WHERE hostname = ? AND dispnum = ? AND state = 'ready' AND sessnum IS NULL
                    """, host, candidate.number)
                if taken == 1 { return try takenDisplay(candidate, connection) }
                let left = try connection.query(
                    "SELECT dispnum FROM mw_display WHERE state = 'ready' AND hostname = ?", host)
                let numbers = Set(left.map { $0.integer(0) })
                here = here.dropFirst().filter { numbers.contains($0.number.value) }
            }
            try giveBackUse(connection, host)
            counted = nil
        }
        return nil
    }

    private static func takenDisplay(_ id: DisplayID, _ connection: Connection) throws(StoreError) -> SessionDisplay {
        let rows = try connection.query(
            "SELECT uid, link_key, password FROM mw_display WHERE hostname = ? AND dispnum = ?", id.host, id.number)
        guard let row = rows.first else { throw .internal(cause: "display \(id.number) of \(id.host) has no row") }
        return SessionDisplay(
            id: id, uid: UInt32(clamping: row.integer(0)), key: Secret(row.text(1)), password: Secret(row.text(2)),
            wasReady: true)
    }

    private func takeFresh(
        _ fresh: FreshDisplay, _ connection: Connection, counted: inout HostName?
    ) throws(StoreError) -> SessionDisplay? {
        guard try Self.countUse(connection, fresh.host) else { return nil }
        counted = fresh.host
        guard let display = try insertDisplay(fresh, counted: true, template: "", connection) else {
            try Self.giveBackUse(connection, fresh.host)
            counted = nil
            return nil
        }
        return SessionDisplay(
            id: DisplayID(host: display.host, number: display.number), uid: display.uid, key: fresh.key,
            password: fresh.password, wasReady: false)
    }

    /// The lowest number that no display has, as far as ``TakenNumbers`` knows; nil when there is none up to `last`.
    private func freeNumber(_ connection: Connection, _ host: HostName, upTo last: Int) throws(StoreError) -> Int? {
        var next = takenNumbers.next(on: host)
        while let number = try Self.lowestFreeNumber(connection, host, from: next) {
            if number <= last {
                takenNumbers.note(number, on: host)
                return number
            }
            guard next > 0 else { return nil }
            takenNumbers.forget(host)
            next = 0
        }
        return nil
    }

    /// The lowest number, from `first_display` and `next` on, that no display has: reads the displays below it, no others.
    private static func lowestFreeNumber(
        _ connection: Connection, _ host: HostName, from next: Int
    ) throws(StoreError) -> Int? {
        let rows = try connection.query(
            """
            SELECT IF(
              EXISTS (SELECT 1 FROM mw_display t WHERE t.hostname = ? AND t.dispnum = GREATEST(h.first_display, ?)),
              (SELECT d.dispnum + 1 FROM mw_display d
                LEFT JOIN mw_display n ON n.hostname = d.hostname AND n.dispnum = d.dispnum + 1
                WHERE d.hostname = ? AND d.dispnum >= GREATEST(h.first_display, ?) AND n.dispnum IS NULL
                ORDER BY d.dispnum LIMIT 1),
              GREATEST(h.first_display, ?))
            FROM host h WHERE h.hostname = ?
            """, host, max(1, next), host, max(1, next), max(1, next), host)
        return rows.first.map { $0.integer(0) }
    }

    private static func displayNumber(_ number: Int) throws(StoreError) -> DisplayNumber {
        do {
            return try DisplayNumber(number)
        } catch {
            throw .internal(cause: "\(number) is where \(error.expected) should be")
        }
    }

    /// Whether a transaction that failed took its use of the host back with it.
    private static func rollsBackHosts(_ connection: Connection) throws(StoreError) -> Bool {
        try connection.query(
            """
            SELECT engine = 'InnoDB' FROM information_schema.tables
            WHERE table_schema = DATABASE() AND table_name = 'host'
            """
        ).first?.integer(0) == 1
    }
}
