import ControlProtocol
import ControlSocket
import SessionModel

/// Who asks, as far as it decides what may be asked.
enum Role: Equatable, Sendable {
    case root
    /// A member of `controller.portal_users`: speaks for any user.
    case portal
    /// A member of `controller.admin_group`.
    case administrator(UserName?)
    case relay
    case web
    /// Anyone else with a name: speaks for themselves.
    case person(UserName)
    case nobody
}

/// The closed list of who may ask what.
enum Rights {
    /// Whether `role` may ask `request` at all. Whose session it is, is looked at where the session is known, by
    /// ``ownName(_:)``.
    static func allow(_ role: Role, _ request: ControlRequest) -> Bool {
        switch request {
        case .ping: true
        case .start, .check, .createUserHome, .updateQuota, .screenshot:
            role == .root || role == .portal
        // What a portal passes on is its visitors' text: the word it knows, and no more.
        // maxwell-web passes on what the portal asks in its two lines.
        case .purge: role == .root || role == .portal || role == .web
        case .quota: role != .nobody && role != .relay
        case .stop(_, .some): role.isPerson || role.isAdministrator || role == .root
        case .view, .stop, .sessions, .why, .extend, .ticket:
            role.isPerson || role.isAdministrator || role == .root || role == .portal
        case .hosts, .applications, .login, .reap, .setHostStatus, .hostKey, .addHost:
            role.isAdministrator || role == .root || role == .portal
        case .counters: role == .root
        case .resolve, .enter, .viewOpened, .viewBeats, .viewClosed, .withdrawn: role == .relay
        }
    }

    /// The name that a request of `role` must not go beyond; nil: it may speak for anyone.
    static func ownName(_ role: Role) -> UserName? {
        if case .person(let name) = role { name } else { nil }
    }
}

extension Role {
    var isPerson: Bool { if case .person = self { true } else { false } }
    var isAdministrator: Bool { if case .administrator = self { true } else { false } }
}
