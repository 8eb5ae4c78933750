import SessionModel

/// What a call to the database ends with when it does not succeed.
public enum StoreError: UserFacingError, Equatable {
    /// The server does not answer, or the connection broke where repeating the call was not safe.
    case unavailable(cause: String)
    /// A row with that key is there already.
    case duplicate(cause: String)
    /// Others changed the same rows again and again; the call was repeated in vain.
    case deadlock(cause: String)
    /// A migration that was applied once reads otherwise today.
    case changedMigration(String)
    /// The server refused a statement, or a row is not what it should be.
    case `internal`(cause: String)

    /// What happened, in one sentence, without SQL.
    public var userMessage: String {
        switch self {
        case .unavailable: "The database does not answer; please try again in a minute."
        case .duplicate, .internal: "The database refused the request; please tell the administrators."
        case .deadlock: "The database is busy; please try again."
        case .changedMigration(let name):
            "The migration \(name) was changed after it was applied; restore its text and add a new migration instead."
        }
    }

    /// sysexits(3): try again, or a fault of ours.
    public var exitStatus: ExitStatus {
        switch self {
        case .unavailable, .deadlock: .tryAgain
        case .duplicate, .internal: .software
        case .changedMigration: .configuration
        }
    }

    /// The server's number and words.
    public var operatorCause: String? {
        switch self {
        case .unavailable(let cause), .duplicate(let cause), .deadlock(let cause), .internal(let cause): cause
        case .changedMigration: nil
        }
    }
}
