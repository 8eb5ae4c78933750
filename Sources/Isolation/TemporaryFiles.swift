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

    /// Terminals at a time in a container: the host has 3,072 for all of them (kernel.pty.max and its reserve).
    private static let terminals = 256

    /// In the container, as root: gives each of ``folders`` `mebibytes`, and an inode for each page of them, and bounds how many
    /// terminals there are.
    static func resize(to mebibytes: Int) throws(HostFailure) {
        let options = "size=\(mebibytes)m,nr_inodes=\(max(4096, mebibytes * 256))"
        for folder in folders {
            guard mount("tmpfs", folder, "tmpfs", UInt(MS_REMOUNT | MS_NOSUID | MS_NODEV), options) == 0 else {
                throw failure("remount \(folder)")
            }
        }
        // What is not said again is as it would be without a word of it.
        let devices = "max=\(terminals),mode=620,ptmxmode=0666"
        guard mount("devpts", "/dev/pts", "devpts", UInt(MS_REMOUNT | MS_NOSUID | MS_NOEXEC), devices) == 0 else {
            throw failure("remount /dev/pts")
        }
    }
}
