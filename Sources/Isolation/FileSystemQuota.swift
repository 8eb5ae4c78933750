import CLinux
import Glibc
import HostProtocol

/// What a file system itself counts of each uid and lets it have: quotactl_fd(2), from Linux 5.14 on. Local file systems can,
/// where they were mounted for it; of NFS the server knows.
enum FileSystemQuota {
    /// What the file system of the folder `fd` says of `uid`; nil where it does not count.
    static func usage(of uid: UInt32, on fd: Int32) -> HomeUsage? {
        var quota = clinux_quota()
        guard clinux_quota_of(fd, uid, &quota) == 0 else { return nil }
        return HomeUsage(
            source: .quota, used: quota.space, softLimit: bytes(quota.soft), hardLimit: bytes(quota.hard),
            free: freeSpace(on: fd))
    }

    /// Sets limits in blocks of 1024 bytes, 0 for none; throws with why where the file system has none.
    static func set(_ uid: UInt32, soft: UInt64, hard: UInt64, on home: String) throws(HostFailure) {
        let place = try HomePlace(home)
        defer { place.folder.close() }
        var fd = openFolder(place.folder.descriptor, place.name)
        // A user who has no home yet will have it beside the others'.
        if fd < 0, errno == ENOENT { fd = openFolder(place.folder.descriptor, ".") }
        guard fd >= 0 else { throw HostFailure(.homeUnavailable, failure("open \(home)").cause) }
        defer { close(fd) }
        var quota = clinux_quota(space: 0, soft: soft, hard: hard)
        guard clinux_set_quota(fd, uid, &quota) == 0 else {
            throw HostFailure(.refused, failure("no quota of uid \(uid) can be set for \(home): quotactl_fd").cause)
        }
    }

    /// Bytes that users can still write in the file system of `fd`.
    static func freeSpace(on fd: Int32) -> UInt64 {
        var available: UInt64 = 0
        var total: UInt64 = 0
        _ = clinux_disk("/proc/self/fd/\(fd)", &available, &total)
        return available
    }

    private static func bytes(_ blocks: UInt64) -> UInt64 {
        let (bytes, overflow) = blocks.multipliedReportingOverflow(by: 1024)
        return overflow ? .max : bytes
    }
}
