import SessionModel
import SessionStore

/// What one of several controllers does for all: each goes round with it and counts the rounds in the tables. One whose
/// count stands still for a while, by this controller's own clock, is taken over: no machine's date has a say.
actor Duties {
    /// Names this controller among the holders.
    nonisolated let holder = String(Secret.token().exposed.prefix(16))
    /// How long a round may take, before another controller takes over.
    private let patience: Duration
    /// A duty that was put down in order and taken up again within so many seconds was never neglected.
    private static let rest = 60.0

    /// How a round came to be this controller's.
    enum Turn {
        /// Another controller has the duty.
        case notOurs
        /// Taken up: `wasNeglected` unless its last holder had put it down a moment ago.
        case begins(wasNeglected: Bool)
        /// As before.
        case goesOn
    }

    private struct Sight {
        var record: DutyRecord
        var since: ContinuousClock.Instant
    }

    private let database: Database
    private var seen: [String: Sight] = [:]
    private var turns: [String: (turn: Turn, until: ContinuousClock.Instant)] = [:]

    init(_ database: Database, patience: Duration = .seconds(20)) {
        self.database = database
        self.patience = patience
    }

    /// Goes round with the duty `name`, where it is this controller's.
    func turn(_ name: String) async throws -> Turn {
        let record = try await database.duty(name)
        if seen[name]?.record.round != record.round || seen[name]?.record.holder != record.holder {
            seen[name] = Sight(record: record, since: .now)
        }
        let isOurs = record.holder == holder
        let isFree = record.holder.isEmpty || ContinuousClock.now - (seen[name]?.since ?? .now) > patience
        guard isOurs || isFree, try await database.goRound(name, as: holder, after: record.round) else {
            return .notOurs
        }
        seen[name] = Sight(
            record: DutyRecord(holder: holder, round: record.round + 1, restedFor: nil), since: .now)
        if isOurs { return .goesOn }
        let wasRested = record.holder.isEmpty && record.restedFor.map { (0...Self.rest).contains($0) } ?? false
        return .begins(wasNeglected: !wasRested)
    }

    /// Whether the duty is this controller's; asks the tables only every few seconds.
    func holds(_ name: String) async throws -> Bool {
        if let (turn, until) = turns[name], until > .now {
            if case .notOurs = turn { return false }
            return true
        }
        let turn = try await turn(name)
        turns[name] = (turn, .now + .seconds(5))
        if case .notOurs = turn { return false }
        return true
    }

    /// Lets other controllers take over at once: this one ends.
    func putDown() async throws { try await database.putDownDuties(of: holder) }
}

extension Duties {
    /// Ends sessions whose time is over.
    static let reaping = "reaping"
    /// Finishes and removes what is left over in the tables.
    static let house = "house"
    /// Keeps a host's pool, and its records and displays in agreement.
    static func host(_ host: HostName) -> String { "host \(host)" }
}
