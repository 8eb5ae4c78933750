import CLinux
import Glibc
import HostProtocol

/// The end of a session's directory: renamed, for the user to find what is left.
enum ExpiredFolder {
    /// Renames it as its user, in a child because the home may hang; answers the child, nil without a session.
    static func begin(_ state: KeeperState) -> Int32? {
        guard let account = state.account, let session = state.session else { return nil }
        let child = clinux_fork()
        if child == 0 {
            resetSignals()
            keepOnly(nil)
            alarm(5)
            guard becomeUser(account, filtered: true) == nil else { _exit(1) }
            do throws(HostFailure) {
                try SessionFolder.parent(account).rename("\(session)", to: "\(session)-expired")
            } catch {
                log("\(SessionFolder.path(account, session)): \(error.cause)")
            }
            _exit(0)
        }
        return child > 0 ? child : nil
    }
}
