import SessionModel

/// Why a session could not be started, seen or ended.
enum SessionError: UserFacingError, Equatable {
    case applicationUnknown(ApplicationName)
    case notInGroup(UserName, ApplicationName)
    case zoneUnknown(ZoneName)
    case zoneDown(ZoneName)
    case sessionUnknown(SessionNumber)
    case sessionNotRunning(SessionNumber)
    case notPermitted(UserName, SessionNumber)
    case notAllowed
    case noHost(Placement.Obstacle, ApplicationName)
    case tooManyOfUser(UserName, Int)
    case tooManyOfApplication(ApplicationName, Int)
    /// Several hosts failed in several ways; the session is where it is written down.
    case exhausted(ApplicationName, SessionNumber?)
    case crowded
    case hostUnknown(HostName)
    case tokenUnknown
    case tooManyViewers(SessionNumber)
    case nameOrPasswordWrong
    /// The password was right, and leads nowhere.
    case noSession
    case tooManyTries
    case passwordsNotChecked(cause: String)
    /// Every uid that can be lent is in use or not clean yet.
    case noGuestAccount
    /// The uid that was lent was taken back under a start.
    case guestAccountGone(UserName)
    case userNeeded
    case stillCounting(UserName)
    case purgeIsOff
    /// A stress user, where only people come.
    case stressUser(UserName)
    /// A person, in a start that is marked as a load test's.
    case noStressUser(UserName)
    /// There is no place for the homes of stress users.
    case stressHomeless
    /// Database, directory or a host has this name and no address, so that an open network could not be kept from it.
    case ownAddressUnknown(String)

    var userMessage: String {
        switch self {
        case .applicationUnknown(let name): "There is no application named \(name); please check its name."
        case .notInGroup(let user, let name):
            "\(user) is not in a group that may start \(name); please ask for access to it."
        case .zoneUnknown(let zone): "There is no zone named \(zone); please leave it out or choose another."
        case .zoneDown(let zone): "The zone \(zone) is down; please choose another or try again later."
        case .sessionUnknown(let number):
            "There is no session \(number): it has ended or never was; 'maxwell sessions' lists those there are."
        case .sessionNotRunning(let number): "Session \(number) is ending; please start a new one."
        case .notPermitted(let user, let number):
            "\(user) may not see session \(number); its owner has to share it first."
        case .notAllowed: "Your account may not ask for that; please ask an administrator."
        case .noHost(let obstacle, let name):
            switch obstacle {
            case .noHosts: "No execution host is set up yet; an administrator has to add one."
            case .nothingProvides: "No execution host provides what \(name) needs; please tell an administrator."
            case .nothingInZone: "No execution host of that zone can run \(name); please choose another zone."
            case .nothingUp: "Every execution host is out of service; please try again later."
            case .nothingConnected: "No execution host can be reached; please try again in a few minutes."
            case .everythingFull:
                "Every display is in use: the hosts have as many sessions as they may (max_uses); please end one or try again later."
            }
        case .tooManyOfUser(let user, let most):
            "\(user) has \(most) sessions, which is as many as one user may have; please end one first."
        case .tooManyOfApplication(let name, let most):
            "\(most) sessions of \(name) run, which is as many as may run at once; please try again later."
        case .exhausted(let name, let number):
            "No execution host could start \(name); an administrator was told"
                + (number.map { " (session \($0))" } ?? "") + ", so please try again later."
        case .crowded:
            "So many sessions are being started that no host came to this one in time; please try again in a minute."
        case .hostUnknown(let host): "There is no execution host named \(host); please check its name."
        case .tokenUnknown: "This ticket is wrong or has expired; please open the session again."
        case .tooManyViewers(let number):
            "Session \(number) has as many viewers as it may have; please close one first."
        case .nameOrPasswordWrong: "The name or password is wrong; please try again."
        case .noSession: "You have no running session; please start one first."
        case .tooManyTries: "Too many passwords were tried; please try again in a minute."
        case .passwordsNotChecked: "Passwords cannot be checked now; please try again in a minute."
        case .noGuestAccount: "Every guest account is in use; please try again later."
        case .guestAccountGone(let user):
            "The guest account of \(user) was just given back; please try again in a minute."
        case .userNeeded: "Please say whose quota: 'maxwell quota USER'."
        case .stillCounting(let user): "The files of \(user) are being counted; please ask again in a few minutes."
        case .purgeIsOff: "Nothing is removed here: an administrator has to allow it first (homes.purge)."
        case .stressUser(let user): "\(user) is nobody's name: only 'maxwell stress' starts sessions for it."
        case .noStressUser(let user):
            "\(user) is not one of stress-0001 to stress-9999; please leave 'stress=' out for people."
        case .stressHomeless:
            "A load test with real sessions needs a place for their homes; please set homes.root, or use synthetic ones."
        case .ownAddressUnknown:
            "Nothing with an open network can start: the gateway cannot find its own machines; please try again in a minute."
        }
    }

    var exitStatus: ExitStatus {
        switch self {
        case .applicationUnknown, .zoneUnknown, .sessionUnknown: .noInput
        case .notInGroup, .notPermitted, .notAllowed, .tokenUnknown, .nameOrPasswordWrong, .purgeIsOff,
            .stressUser:
            .noPermission
        case .userNeeded, .noStressUser: .usage
        case .stressHomeless: .configuration
        case .zoneDown, .sessionNotRunning, .exhausted, .noSession: .unavailable
        case .tooManyOfUser, .tooManyOfApplication, .tooManyViewers, .tooManyTries, .passwordsNotChecked,
            .noGuestAccount, .guestAccountGone, .stillCounting, .crowded, .ownAddressUnknown:
            .tryAgain
        case .noHost(let obstacle, _):
            switch obstacle {
            case .noHosts, .nothingProvides, .nothingInZone: .unavailable
            case .nothingUp, .nothingConnected, .everythingFull: .tryAgain
            }
        case .hostUnknown: .noHost
        }
    }

    var operatorCause: String? {
        switch self {
        case .noHost(let obstacle, let name): "\(obstacle) for \(name)"
        case .passwordsNotChecked(let cause): cause
        case .ownAddressUnknown(let name): "\(name) has no address: an open network cannot be kept from it"
        default: nil
        }
    }
}
