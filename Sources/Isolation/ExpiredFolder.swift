import CLinux
import Glibc

/// The end of a session's directory: renamed, for the user to find what is left.
enum ExpiredFolder {
    /// Renames it as its user, in a child because the home may hang; answers the child, nil without a session.
    static func begin(_ state: KeeperState) -> Int32? {
        guard let account = state.account, let session = state.session else { return nil }
        let path = ApplicationLaunch.sessionFolder(account, session)
        let child = clinux_fork()
        if child == 0 {
            resetSignals()
            keepOnly(nil)
            alarm(5)
            if becomeUser(account, filtered: false) == nil, rename(path, path + "-expired") != 0 {
                log("rename \(path): \(String(cString: strerror(errno)))")
            }
            _exit(0)
        }
        return child > 0 ? child : nil
    }
}
