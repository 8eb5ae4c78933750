import CLinux
import Glibc
import SessionModel

/// In a child: becomes the user, with no way back and no privilege to gain. Answers the step that failed.
func becomeUser(_ account: Account, filtered: Bool) -> String? {
    var groups = account.groups.map(\.gid)
    if !groups.contains(account.gid) { groups.append(account.gid) }
    guard clinux_setgroups(groups, groups.count) == 0 else { return "setgroups" }
    for capability in 0..<64 { _ = clinux_prctl(clinux_pr_capbset_drop, UInt(capability), 0, 0, 0) }
    guard clinux_setresgid(account.gid) == 0 else { return "setresgid" }
    guard clinux_setresuid(account.uid) == 0 else { return "setresuid" }
    guard clinux_prctl(clinux_pr_set_no_new_privs, 1, 0, 0, 0) == 0 else { return "no_new_privs" }
    umask(0o027)
    if filtered, !SyscallFilter.install() { return "seccomp" }
    return nil
}
