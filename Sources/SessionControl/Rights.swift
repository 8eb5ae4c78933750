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
    /// Whether `caller` may ask `request` at all. Whose session it is, is looked at where the session is known, by
    /// ``Standing/reaches(_:)``.
    static func allow(_ caller: Standing, _ request: ControlRequest) -> Bool {
        let role = caller.role
        return switch request {
        case .ping: true
        // What loads the gateway on purpose is never a portal's.
        case .start(let order): order.stress == nil ? role == .root || role == .portal : caller.mayStress
        case .stress: caller.mayStress
        case .check, .createUserHome, .updateQuota, .screenshot:
            role == .root || role == .portal
        // What a portal passes on is its visitors' text: the word it knows, and no more.
        // maxwell-web passes on what the portal asks in its two lines.
        case .purge: role == .root || role == .portal || role == .web
        case .quota: role != .nobody && role != .relay
        case .stop(_, .some): role.isPerson || role.isAdministrator || role == .root
        case .view, .stop, .sessions, .why, .extend, .ticket:
            role.isPerson || role.isAdministrator || role == .root || role == .portal
        case .hosts: role.isAdministrator || role == .root || role == .portal || caller.mayStress
        case .applications, .login, .reap, .setHostStatus, .hostKey, .addHost:
            role.isAdministrator || role == .root || role == .portal
        case .counters: caller.mayStress
        case .resolve, .enter, .viewOpened, .viewBeats, .viewClosed, .withdrawn: role == .relay
        }
    }
}

extension Role {
    var isPerson: Bool { if case .person = self { true } else { false } }
    var isAdministrator: Bool { if case .administrator = self { true } else { false } }
}
