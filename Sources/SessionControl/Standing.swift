import SessionModel

/// How a caller stands: the role, and whether they may load the gateway with a test of it.
struct Standing: Equatable, Sendable {
    let role: Role
    /// Root and the members of `controller.stress_group`, as long as they speak for themselves.
    let mayStress: Bool

    /// A caller who is in the stress group, or (`false`) is not.
    init(_ role: Role, inStressGroup: Bool = false) {
        self.role = role
        mayStress =
            switch role {
            case .root: true
            case .person, .administrator: inStressGroup
            // These speak for others: a group of theirs gives nobody behind them a right.
            case .portal, .relay, .web, .nobody: false
            }
    }

    /// The name that a caller must not go beyond, save for stress users where they may; nil: they may speak for anyone.
    var ownName: UserName? { if case .person(let name) = role { name } else { nil } }

    /// Whether sessions of `owner` are theirs to see, to show and to end. A stress user's are nobody's own, should the
    /// machine have an account of that name.
    func reaches(_ owner: UserName) -> Bool {
        guard let ownName else { return true }
        return owner.isStress ? mayStress : owner == ownName
    }
}
