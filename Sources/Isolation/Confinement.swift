import CLinux
import Glibc
import SessionModel

/// In a child: becomes the user, with no way back and no privilege to gain. Answers the step that failed.
func becomeUser(_ account: Account, filtered: Bool) -> String? {
    becomeUser(account, behind: filtered ? .strict : nil)
}

/// In a child: becomes the user behind `filter`, with no way back and no privilege to gain. Answers the step that failed.
func becomeUser(_ account: Account, behind filter: SyscallFilter?) -> String? {
    var groups = account.groups.map(\.gid)
    if !groups.contains(account.gid) { groups.append(account.gid) }
    guard clinux_setgroups(groups, groups.count) == 0 else { return "setgroups" }
    // The first one that the kernel does not know is refused.
    for capability in 0..<64 where clinux_prctl(clinux_pr_capbset_drop, UInt(capability), 0, 0, 0) != 0 { break }
    guard clinux_setresgid(account.gid) == 0 else { return "setresgid" }
    guard clinux_setresuid(account.uid) == 0 else { return "setresuid" }
    // With the last capability go those that a program could have inherited, and with them the ambient ones.
    guard clinux_drop_capabilities() == 0 else { return "capset" }
    guard clinux_prctl(clinux_pr_set_no_new_privs, 1, 0, 0, 0) == 0 else { return "no_new_privs" }
    umask(0o027)
    if let filter, !filter.install() { return "seccomp" }
    return nil
}
