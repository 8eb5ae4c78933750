/// Slows down whoever guesses passwords: each account, and each place that viewers come from, waits the longer the more
/// wrong ones came in a row. Times are seconds of one steady clock.
public struct EntrySlowDown: Sendable {
    /// What an attempt shall do.
    public enum Turn: Equatable, Sendable {
        /// Be checked; ``ended(account:source:isRight:now:)`` must follow.
        case now
        /// Ask again after so many seconds.
        case later(Double)
        /// Give up: it would be answered too late.
        case refused
    }

    /// Wrong ones in a row that cost nothing: people mistype.
    public static let free = 3
    /// Seconds that an attempt waits at most.
    public static let patience = 20.0
    /// Seconds after which wrong ones are forgotten.
    public static let memory = 900.0
    /// Accounts, and places, that are remembered; the oldest are forgotten.
    public static let most = 1_000
    /// Checks of one place at a time. Of an account there is one.
    public static let checksOfSource = 8
    /// Seconds after which one that waits for others looks again.
    static let pause = 0.05

    private struct Record {
        var failures = 0
        var checks = 0
        var last: Double

        /// When an attempt that came at `came` may be checked.
        func due(_ came: Double) -> Double {
            guard failures >= EntrySlowDown.free else { return came }
            return max(came, last) + min(Double(1 << min(failures - EntrySlowDown.free, 10)), 10)
        }
    }

    private var accounts: [String: Record] = [:]
    private var sources: [String: Record] = [:]

    /// Nobody has come yet.
    public init() {}

    /// What an attempt for `account`, which came from `source` at `came`, shall do. Nil: it names no account.
    public mutating func turn(account: String?, source: String, came: Double, now: Double) -> Turn {
        let ofAccount = account.flatMap { Self.known($0, in: &accounts, now) }
        let ofSource = Self.known(source, in: &sources, now)
        let due = max(ofAccount?.due(came) ?? came, ofSource?.due(came) ?? came)
        guard due - came <= Self.patience, now - came <= Self.patience else { return .refused }
        if due > now { return .later(due - now) }
        if ofAccount?.checks ?? 0 > 0 || ofSource?.checks ?? 0 >= Self.checksOfSource { return .later(Self.pause) }
        if let account { Self.change(account, in: &accounts, now) { $0.checks += 1 } }
        Self.change(source, in: &sources, now) { $0.checks += 1 }
        return .now
    }

    /// An attempt was checked. Nil: it could not be, and tells nothing.
    public mutating func ended(account: String?, source: String, isRight: Bool?, now: Double) {
        if let account { Self.end(account, in: &accounts, isRight, now) }
        Self.end(source, in: &sources, isRight, now)
    }

    private static func end(_ key: String, in records: inout [String: Record], _ isRight: Bool?, _ now: Double) {
        change(key, in: &records, now) { record in
            record.checks = max(0, record.checks - 1)
            guard let isRight else { return }
            record.failures = isRight ? 0 : record.failures + 1
            record.last = now
        }
        if let record = records[key], record.checks == 0, record.failures == 0 { records[key] = nil }
    }

    private static func known(_ key: String, in records: inout [String: Record], _ now: Double) -> Record? {
        guard let record = records[key] else { return nil }
        guard record.checks == 0, now - record.last > memory else { return record }
        records[key] = nil
        return nil
    }

    private static func change(
        _ key: String, in records: inout [String: Record], _ now: Double, _ change: (inout Record) -> Void
    ) {
        change(&records[key, default: Record(last: now)])
        guard records.count > most else { return }
        let idle = records.filter { $0.key != key && $0.value.checks == 0 }
        if let oldest = idle.min(by: { ($0.value.last, $0.key) < ($1.value.last, $1.key) }) {
            records[oldest.key] = nil
        }
    }
}
