import Glibc
import SessionModel

/// Makes this process `user`, with that account's groups and nothing else, for good. A process that is not root's stays
/// what it is: whoever started it chose its account.
public func becomeServiceAccount(_ user: String) throws(Refusal) {
    guard geteuid() == 0 else { return }
    guard let entry = getpwnam(user)?.pointee else {
        throw Refusal("There is no account \(user) to run as; please make it or name another in the settings.", .noUser)
    }
    guard initgroups(user, entry.pw_gid) == 0, setgid(entry.pw_gid) == 0, setuid(entry.pw_uid) == 0 else {
        throw Refusal("This process cannot become \(user).", .osError, cause: String(cString: strerror(errno)))
    }
    guard entry.pw_uid == 0 || setuid(0) != 0 else {
        throw Refusal("This process became \(user), but could come back.", .software)
    }
}
