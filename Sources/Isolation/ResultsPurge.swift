import Glibc
import HostProtocol
import SessionModel

/// Removes what sessions that have ended left in a user's home: the entries of `data/results` and the `N-expired` of
/// `data/sessions`. For a child, which does it as the user.
struct ResultsPurge {
    let account: Account
    /// Whole days that an entry must not have changed for; 0: any.
    let days: Int
    /// Sessions that live: their results stay.
    let live: Set<SessionNumber>

    /// Follows no link, and goes on after what cannot be removed; throws with the last of it.
    func perform() throws(HostFailure) {
        if let step = becomeUser(account, filtered: false) { throw failure(step) }
        let home = open(account.home, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard home >= 0 else { throw HostFailure(.homeUnavailable, failure("open \(account.home)").cause) }
        defer { close(home) }
        var fault: HostFailure?
        for (name, isOurs) in [("results", isResult), ("sessions", isExpired)] {
            do throws(HostFailure) { try purge(name, in: home, isOurs) } catch { fault = error }
        }
        if let fault { throw fault }
    }

    private func isResult(_ name: String) -> Bool { !live.contains { "\($0)" == name } }

    private func isExpired(_ name: String) -> Bool {
        name.hasSuffix("-expired") && (try? SessionNumber(parsing: String(name.dropLast(8)))) != nil
    }

    private func purge(_ name: String, in home: Int32, _ isOurs: (String) -> Bool) throws(HostFailure) {
        let data = openFolder(home, "data")
        guard data >= 0 else { return }
        defer { close(data) }
        let folder = openFolder(data, name)
        guard folder >= 0 else { return }
        defer { close(folder) }
        var fault: HostFailure?
        let isRead = forEachEntry(of: folder) { entry in
            guard isOurs(String(cString: entry)), isOld(entry, in: folder) else { return }
            do throws(HostFailure) { try remove(entry, in: folder) } catch { fault = error }
        }
        guard isRead else { throw failure("read data/\(name)") }
        if let fault { throw fault }
    }

    private func isOld(_ entry: UnsafePointer<CChar>, in folder: Int32) -> Bool {
        var about = stat()
        guard fstatat(folder, entry, &about, AT_SYMLINK_NOFOLLOW) == 0 else { return false }
        return days == 0 || time(nil) - about.st_mtim.tv_sec >= days * 86400
    }

    private func remove(_ entry: UnsafePointer<CChar>, in folder: Int32) throws(HostFailure) {
        if unlinkat(folder, entry, 0) == 0 || errno == ENOENT { return }
        guard errno == EISDIR else { throw failure("unlink") }
        let tree = openFolder(folder, entry)
        guard tree >= 0 else { throw failure("open a folder to be removed") }
        defer { close(tree) }
        var removal = try TreeRemoval(of: tree, opensFolders: true)
        try removal.run()
        guard unlinkat(folder, entry, AT_REMOVEDIR) == 0 else { throw failure("rmdir") }
    }
}
