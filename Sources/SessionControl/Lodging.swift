import SessionModel
import SessionStore

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

extension Lodging {
    /// A person's own; a home that the directory names is made elsewhere.
    static func own(_ account: Account, homeIsNamed: Bool) -> Lodging {
        Lodging(account: account, isLent: false, homeIsOurs: !homeIsNamed)
    }

    /// What `user` is lent for a visit.
    static func lent(_ shadow: ShadowAccount, to user: UserName) -> Lodging {
        Lodging(account: shadow.account(of: user), isLent: true, homeIsOurs: true)
    }
}
