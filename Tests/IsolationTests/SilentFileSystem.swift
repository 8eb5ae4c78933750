import Glibc

@testable import Isolation

/// A FUSE file system whose server never answers: whoever looks into it waits until it is killed.
final class SilentFileSystem {
    let path: String
    private let server: Int32

    /// Mounts it at `path`, which is made.
    init(at path: String) throws {
        self.path = path
        mkdir(path, 0o755)
        server = open("/dev/fuse", O_RDWR | O_CLOEXEC)
        guard server >= 0,
            mount("silent", path, "fuse", 0, "fd=\(server),rootmode=40000,user_id=0,group_id=0,allow_other") == 0
        else { throw Agent.Gone() }
    }

    /// Ends it: who waited hears of an error.
    func end() {
        close(server)
        umount2(path, Int32(MNT_DETACH))
    }
}
