import Glibc
import SessionModel

/// Becomes `user` with its groups, for good; does nothing when this process is not root's.
func dropPrivileges(to user: String) throws(Refusal) {
    guard geteuid() == 0 else { return }
    guard let entry = getpwnam(user)?.pointee else {
        throw Refusal("There is no user \(user) to run as; see web.user in the settings.", .configuration)
    }
    guard initgroups(user, entry.pw_gid) == 0, setgid(entry.pw_gid) == 0, setuid(entry.pw_uid) == 0 else {
        throw Refusal("maxwell-web cannot become \(user).", .osError, cause: String(cString: strerror(errno)))
    }
}
