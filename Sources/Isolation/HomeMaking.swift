import CLinux
import Glibc
import HostProtocol
import SessionModel

/// Makes an account's home in a child, because the file system may hang: the folder as root, its content as the user.
struct HomeMaking {
    private let account: Account

    init(_ account: Account) throws(HostFailure) {
        guard account.uid != 0, account.home.hasPrefix("/"), account.home.utf8.count > 1,
            !account.home.split(separator: "/").contains("..")
        else { throw HostFailure(.refused, "not an account that may have a home here") }
        self.account = account
    }

    /// Forks; answers a pipe that says `done` or the cause, then ends.
    func begin() throws(HostFailure) -> Int32 {
        try reportingChild {
            var words = "done"
            do throws(HostFailure) { try make() } catch { words = error.cause }
            _ = writeAll(Array(words.utf8), to: 3)
        }.report
    }

    private func make() throws(HostFailure) {
        guard mkdir(account.home, 0o700) == 0 else {
            if errno == EEXIST { return }
            throw failure("mkdir \(account.home)")
        }
        guard chown(account.home, account.uid, account.gid) == 0 else { throw failure("chown \(account.home)") }
        if let step = becomeUser(account, filtered: false) { throw failure(step) }
        umask(0o077)
        try copy("/etc/skel", to: account.home)
    }

    private func copy(_ folder: String, to other: String) throws(HostFailure) {
        for name in names(in: folder) {
            var about = stat()
            guard lstat(folder + "/" + name, &about) == 0 else { continue }
            switch about.st_mode & S_IFMT {
            case S_IFDIR:
                try makeFolder(other + "/" + name, 0o700)
                try copy(folder + "/" + name, to: other + "/" + name)
            case S_IFREG:
                if let bytes = contents(of: folder + "/" + name) {
                    try writeFile(other + "/" + name, bytes, mode: 0o600)
                }
            default: break
            }
        }
    }
}
