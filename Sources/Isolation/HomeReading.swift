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
        if let usage = quota { return usage }
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

    /// What the file system counts; nil where it does not, or where root does not come that far.
    private var quota: HomeUsage? {
        guard let place = try? HomePlace(account.home) else { return nil }
        defer { place.folder.close() }
        let home = openFolder(place.folder.descriptor, place.name)
        guard home >= 0 else { return nil }
        defer { close(home) }
        return FileSystemQuota.usage(of: account.uid, on: home)
    }

    private var unavailable: HostFailure {
        HostFailure(.homeUnavailable, failure("open \(account.home)").cause)
    }
}
