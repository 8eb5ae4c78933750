import Glibc
import Stress

extension Load {
    /// Seconds that rows may take to come after the last view ended: relays tell an end at once, and again until they are
    /// heard.
    public static let ledgerPatience = 30.0

    /// Holds the ledger against what the last run's viewers saw, as soon as it agrees, or when it had its time. `slack` is
    /// for runs with faults: seconds by which every row may differ more. Blocks.
    public func ledgerCheck(_ account: StressAccount, slack: Double = 0) throws -> LedgerCheck {
        let end = MonotonicClock.seconds + Self.ledgerPatience
        let sessions = Set(seen.map(\.session)).union(sessionNumbers)
        while true {
            // Other runs' sessions are none of ours.
            let rows = try account.rows().filter { sessions.contains($0.session) }
            let times = Dictionary(rows.compactMap { row in row.viewtime.map { (row.session, $0) } }) { first, _ in
                first
            }
            let check = LedgerCheck(seen: seen, rows: rows, times: times, slack: slack)
            guard !check.mismatches.isEmpty, MonotonicClock.seconds < end else { return check }
            usleep(500_000)
        }
    }
}
