import CLinux
import Glibc
import HostProtocol
import SessionModel

/// What an account uses of its home's file system, as the file system counts it, else as its files add up. For a child: a file
/// system may hang, and counting takes its time.
struct HomeReading {
    let account: Account

    /// Asks the file system as root, then counts as the user, when nobody else wants the processor or the disk.
    func usage() throws(HostFailure) -> HomeUsage {
        let asked = open(account.home, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        if asked >= 0 {
            defer { close(asked) }
            if let usage = FileSystemQuota.usage(of: account.uid, on: asked) { return usage }
        }
        if let step = becomeUser(account, filtered: false) { throw failure(step) }
        clinux_be_idle()
        let home = open(account.home, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard home >= 0 else { throw unavailable }
        defer { close(home) }
        guard let count = FileCount(of: home) else { throw unavailable }
        return HomeUsage(
            source: .measured, used: count.bytes, softLimit: 0, hardLimit: 0,
            free: FileSystemQuota.freeSpace(on: home))
    }

    private var unavailable: HostFailure {
        HostFailure(.homeUnavailable, failure("open \(account.home)").cause)
    }
}
