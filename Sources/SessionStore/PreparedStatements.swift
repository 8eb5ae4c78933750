import CMariaDB

/// The statements a connection has prepared, by their text. Each takes memory here and in the server, so those that are
/// rarely needed are closed again.
struct PreparedStatements {
    typealias Statement = UnsafeMutablePointer<MYSQL_STMT>

    /// Seconds. One that is not used in a round, nor in the one before, is closed. No shorter: the longest take the server
    /// milliseconds to prepare, and come once a second.
    static let round = 60

    private var used: [String: Statement] = [:]
    private var usedBefore: [String: Statement] = [:]
    private var roundBegan = 0

    /// The statement, if it is there, at a time in seconds; whoever asks uses it before the next is asked for.
    mutating func use(_ text: String, at time: Int) -> Statement? {
        if time - roundBegan >= Self.round { beginRound(at: time) }
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

    private mutating func beginRound(at time: Int) {
        for statement in usedBefore.values { mysql_stmt_close(statement) }
        (usedBefore, used, roundBegan) = (used, [:], time)
    }
}
