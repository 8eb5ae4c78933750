import SessionModel

/// Under which account somebody's sessions run, and what has to be there first.
struct Lodging: Equatable {
    let account: Account
    /// Whether the uid is only lent: others had it, and will.
    let isLent: Bool
    /// Whether nobody but us makes the home.
    let homeIsOurs: Bool
    /// Whether there is a home at all.
    var hasHome = true
}
