import Glibc
import HostProtocol

/// The file systems in memory that a container has for itself. What is in them counts as memory of who wrote it.
enum TemporaryFiles {
    /// Where the session's user may write.
    static let folders = ["/tmp", "/dev/shm"]
    /// Bytes of each of ``folders`` while the display waits.
    static let waiting = 16 << 20
    /// Bytes of each of those that only root writes to.
    static let fixed = 4 << 20

    /// In the container, as root: gives each of ``folders`` `mebibytes`, and an inode for each page of them.
    static func resize(to mebibytes: Int) throws(HostFailure) {
        let options = "size=\(mebibytes)m,nr_inodes=\(max(4096, mebibytes * 256))"
        for folder in folders {
            guard mount("tmpfs", folder, "tmpfs", UInt(MS_REMOUNT | MS_NOSUID | MS_NODEV), options) == 0 else {
                throw failure("remount \(folder)")
            }
        }
    }
}
