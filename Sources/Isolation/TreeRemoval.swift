import CLinux
import Glibc
import HostProtocol

/// Removes a folder of ours and what is in it. A display server has one too and may have been anybody's: who still adds to it
/// holds nobody for long.
func removeTree(_ path: String) {
    if unlink(path) == 0 || errno == ENOENT { return }
    let folder = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
    if folder >= 0 {
        // What stays shows by the folder.
        if var removal = try? TreeRemoval(of: folder, opensFolders: false, until: now() + 5) { try? removal.run() }
        close(folder)
    }
    rmdir(path)
}

/// Removes what a folder holds: no link is followed, no other file system touched, and trees of any depth go, since folders
/// inside of folders are moved up first.
struct TreeRemoval {
    private let top: Int32
    private let device: dev_t
    private let opensFolders: Bool
    private let deadline: Double
    private var moved = 0
    private var fault: HostFailure?
    /// What was removed or moved in this round.
    private var done = 0

    /// The content of the folder `fd`, until `deadline` of ``now()``, for somebody may go on adding to it. With `opensFolders`
    /// folders that are closed to their owner are opened: for that owner alone, because chmod(2) follows a link that took the
    /// place of a folder.
    init(of fd: Int32, opensFolders: Bool, until deadline: Double = .infinity) throws(HostFailure) {
        var about = stat()
        guard fstat(fd, &about) == 0 else { throw failure("fstat") }
        top = fd
        device = about.st_dev
        self.opensFolders = opensFolders
        self.deadline = deadline
    }

    /// Removes it all; throws when something stays.
    mutating func run() throws(HostFailure) {
        repeat {
            done = 0
            fault = nil
            guard forEachEntry(of: top, { removeFromTop($0) }) else { throw failure("read a folder") }
        } while done > 0 && now() < deadline
        var isEmpty = true
        _ = forEachEntry(of: top) { _ in isEmpty = false }
        guard isEmpty else { throw fault ?? HostFailure(.internalError, "a folder could not be removed") }
    }

    private mutating func removeFromTop(_ name: UnsafePointer<CChar>) {
        guard !remove(name, in: top) else { return }
        if opensFolders { _ = fchmodat(top, name, 0o700, 0) }
        let folder = openFolder(top, name)
        guard folder >= 0 else { return note("open") }
        defer { close(folder) }
        var about = stat()
        guard fstat(folder, &about) == 0, about.st_dev == device else {
            fault = HostFailure(.internalError, "another file system is mounted in a folder to be removed")
            return
        }
        let isRead = forEachEntry(of: folder) { inner in
            if !remove(inner, in: folder) { moveUp(inner, of: folder) }
        }
        guard isRead else { return note("read") }
        _ = remove(name, in: top)
    }

    /// Removes a file or an empty folder; false when it is a folder with something in it, or stays.
    private mutating func remove(_ name: UnsafePointer<CChar>, in folder: Int32) -> Bool {
        guard unlinkat(folder, name, 0) == 0 || (errno == EISDIR && unlinkat(folder, name, AT_REMOVEDIR) == 0) else {
            if errno != ENOTEMPTY, errno != EEXIST { note("unlink") }
            return false
        }
        done += 1
        return true
    }

    private mutating func moveUp(_ name: UnsafePointer<CChar>, of folder: Int32) {
        // A folder can be moved only by who may write in it.
        if opensFolders { _ = fchmodat(folder, name, 0o700, 0) }
        moved += 1
        if renameat(folder, name, top, ".removed-\(getpid())-\(moved)") == 0 { done += 1 } else { note("rename") }
    }

    private mutating func note(_ step: String) {
        fault = fault ?? failure("\(step) in a folder to be removed")
    }
}
