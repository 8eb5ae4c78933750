import CLinux
import Glibc
import HostProtocol
import SessionModel

/// A home at the hand-over, as root finds it (``HomePlace``): the folder that the account names, which belongs to the
/// account.
///
/// Only what was looked at is used: the mount that goes into the container is made of this very descriptor.
struct Home {
    private let folder: Folder

    /// The home of `account`; blocks for as long as its file system does.
    init(_ account: Account) throws(HostFailure) {
        do throws(HostFailure) {
            let place = try HomePlace(account.home)
            defer { place.folder.close() }
            folder = try place.folder.folder(place.name)
        } catch {
            throw HostFailure(.homeUnavailable, "home \(account.home): \(error.cause)")
        }
        guard let owner = folder.owner else { throw failure("home \(account.home)") }
        guard owner == account.uid else {
            throw HostFailure(.homeUnavailable, "home \(account.home) belongs to uid \(owner), not to \(account.name)")
        }
    }

    /// A detached mount of it, without set-user-ID programs and devices.
    func mount() throws(HostFailure) -> Int32 {
        let tree = clinux_open_tree_at(folder.descriptor)
        guard tree >= 0, clinux_mount_harmless(tree) == 0 else { throw failure("home") }
        return tree
    }
}
