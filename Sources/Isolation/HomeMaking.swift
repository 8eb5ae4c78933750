import CLinux
import Glibc
import HostProtocol
import SessionModel

/// Makes an account's home, which appears complete or not at all: it is filled under another name, where nobody but root comes
/// in, given to its user, and renamed. Whatever crashed in between, the next one goes on. For a child: the file system may
/// hang.
struct HomeMaking {
    private let account: Account
    private let place: PathParts
    private let skeleton: String

    /// Refuses what may have no home here.
    init(_ account: Account, skeleton: String = "/etc/skel") throws(HostFailure) {
        guard account.uid != 0, account.gid != 0, account.home.hasPrefix("/"), account.home.utf8.count > 1,
            !account.home.split(separator: "/").contains("..")
        else { throw HostFailure(.refused, "not an account that may have a home here") }
        self.account = account
        self.skeleton = skeleton
        place = PathParts(account.home)
    }

    /// Sees to it that the home is there and its user's.
    func make() throws(HostFailure) {
        let parent = try openParent()
        defer { close(parent) }
        if try isThere(in: parent) { return }
        let new = ".\(place.name).maxwell-new"
        guard mkdirat(parent, new, 0o700) == 0 || errno == EEXIST else { throw failure("mkdir \(place.parent)/\(new)") }
        let folder = openFolder(parent, new)
        guard folder >= 0 else {
            // Another host was faster.
            if errno == ENOENT, try isThere(in: parent) { return }
            throw failure("open \(place.parent)/\(new)")
        }
        defer { close(folder) }
        // Where the file system has no locks, two who make the same home at the same time may refuse one of them.
        _ = flock(folder, LOCK_EX)
        // Whoever came first has given its folder the home's name since this one looked, and this is a new one, and empty.
        if try isThere(in: parent) {
            _ = unlinkat(parent, new, AT_REMOVEDIR)
            return
        }
        var about = stat()
        guard fstat(folder, &about) == 0 else { throw failure("fstat") }
        if about.st_uid != account.uid {
            guard about.st_uid == geteuid(), about.st_mode & 0o077 == 0 else {
                throw HostFailure(.homeUnavailable, "\(place.parent)/\(new) is in the way")
            }
            let from = open(skeleton, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
            if from >= 0 {
                defer { close(from) }
                try copy(from, to: folder)
            }
            guard fchown(folder, account.uid, account.gid) == 0 else { throw failure("chown \(account.home)") }
        }
        if clinux_rename_to_new(parent, new, parent, place.name) == 0 { return }
        // NFS cannot promise that nothing is replaced; a folder replaces an empty one only.
        if errno == EINVAL, renameat(parent, new, parent, place.name) == 0 { return }
        let code = errno
        guard try isThere(in: parent) else { throw failure("rename \(place.parent)/\(new)", code) }
    }

    /// The folder the home is in, which is there; that of the homes of lent uids is made.
    private func openParent() throws(HostFailure) -> Int32 {
        if PathParts(place.parent).name == AccountCleaning.folder {
            let shared = try HomePlace(place.parent)
            defer { shared.folder.close() }
            guard mkdirat(shared.folder.descriptor, shared.name, 0o711) == 0 || errno == EEXIST else {
                throw failure("mkdir \(place.parent)")
            }
        }
        return try HomePlace(account.home).folder.descriptor
    }

    /// Whether the home is there; throws when something else has its name.
    private func isThere(in parent: Int32) throws(HostFailure) -> Bool {
        var about = stat()
        guard fstatat(parent, place.name, &about, AT_SYMLINK_NOFOLLOW) == 0 else {
            if errno == ENOENT { return false }
            throw failure("stat \(account.home)")
        }
        guard about.st_mode & S_IFMT == S_IFDIR else {
            throw HostFailure(.homeUnavailable, "\(account.home) is there and no folder")
        }
        guard about.st_uid == account.uid else {
            throw HostFailure(
                .homeUnavailable, "\(account.home) belongs to uid \(about.st_uid), not to uid \(account.uid)")
        }
        return true
    }

    /// Copies files and folders, nothing else, over what an earlier attempt left.
    private func copy(_ from: Int32, to folder: Int32) throws(HostFailure) {
        var fault: HostFailure?
        let isRead = forEachEntry(of: from) { name in
            do throws(HostFailure) { try copy(name, from, to: folder) } catch { fault = error }
        }
        guard isRead else { throw failure("read \(skeleton)") }
        if let fault { throw fault }
    }

    private func copy(_ name: UnsafePointer<CChar>, _ from: Int32, to folder: Int32) throws(HostFailure) {
        let source = openat(from, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
        guard source >= 0 else { return }
        defer { close(source) }
        var about = stat()
        guard fstat(source, &about) == 0 else { return }
        let made: Int32
        switch about.st_mode & S_IFMT {
        case S_IFDIR:
            guard mkdirat(folder, name, 0o700) == 0 || errno == EEXIST else { throw failure("mkdir in a new home") }
            made = openFolder(folder, name)
            guard made >= 0 else { throw failure("open in a new home") }
            defer { close(made) }
            try copy(source, to: made)
            guard fchown(made, account.uid, account.gid) == 0 else { throw failure("chown in a new home") }
        case S_IFREG:
            _ = unlinkat(folder, name, 0)
            let mode = (about.st_mode & 0o700) | 0o600
            made = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode)
            guard made >= 0 else { throw failure("open in a new home") }
            defer { close(made) }
            guard let bytes = contents(from: source), writeAll(bytes, to: made),
                fchown(made, account.uid, account.gid) == 0
            else { throw failure("write in a new home") }
        default: break
        }
    }
}
