import Glibc

/// Becomes `user` with that account's groups and nothing else; for good.
func dropPrivileges(to user: String) throws(OptionError) {
    guard let entry = getpwnam(user) else { throw OptionError(description: "--user: there is no account \(user)") }
    let (uid, gid) = (entry.pointee.pw_uid, entry.pointee.pw_gid)
    if getuid() == uid { return }
    guard initgroups(user, gid) == 0, setgid(gid) == 0, setuid(uid) == 0 else {
        throw OptionError(description: "--user \(user): \(String(cString: strerror(errno)))")
    }
    guard uid == 0 || setuid(0) != 0 else { throw OptionError(description: "--user \(user): could come back") }
}
