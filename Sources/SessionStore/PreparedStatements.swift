import CMariaDB

/// The statements a connection has prepared, by their text. Each takes memory here and in the server, so those that are
/// rarely needed are closed again.
struct PreparedStatements {
    typealias Statement = UnsafeMutablePointer<MYSQL_STMT>

    /// One that was not among so many uses, and not among so many before them, is closed.
    static let round = 500

    private var used: [String: Statement] = [:]
    private var usedBefore: [String: Statement] = [:]
    private var uses = 0

    /// The statement, if it is there; whoever asks uses it before the next is asked for.
    mutating func use(_ text: String) -> Statement? {
        uses += 1
        if uses > Self.round { beginRound() }
        if let statement = used[text] { return statement }
        guard let statement = usedBefore.removeValue(forKey: text) else { return nil }
        used[text] = statement
        return statement
    }

    /// Keeps one that was not there; it is closed here.
    mutating func keep(_ statement: Statement, for text: String) { used[text] = statement }

    /// Closes all, also where their connection is lost already.
    mutating func closeAll() {
        for statement in used.values { mysql_stmt_close(statement) }
        for statement in usedBefore.values { mysql_stmt_close(statement) }
        self = PreparedStatements()
    }

    private mutating func beginRound() {
        for statement in usedBefore.values { mysql_stmt_close(statement) }
        (usedBefore, used, uses) = (used, [:], 1)
    }
}
