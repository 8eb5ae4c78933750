import Glibc

/// Adds up what a tree takes on its file system: allocated blocks, each file once however many names it has, no other file
/// system, no link followed. What lies deeper than ``deepest`` folders is left out: whoever hides files there fools
/// themselves, since the sum holds nobody back.
struct FileCount {
    private(set) var bytes: UInt64 = 0
    private var linked: Set<ino_t> = []
    private let device: dev_t

    static let deepest = 300
    /// Files with several names that are remembered: the rest is counted by each name.
    private static let most = 1 << 20

    /// Counts the tree of the folder `fd`; nil when it cannot be read.
    init?(of fd: Int32) {
        var about = stat()
        guard fstat(fd, &about) == 0 else { return nil }
        device = about.st_dev
        bytes = Self.size(about)
        guard add(fd, depth: 1) else { return nil }
    }

    /// A folder whose content may not be read counts for itself only.
    @discardableResult
    private mutating func add(_ fd: Int32, depth: Int) -> Bool {
        forEachEntry(of: fd) { name in
            var about = stat()
            guard fstatat(fd, name, &about, AT_SYMLINK_NOFOLLOW) == 0, about.st_dev == device else { return }
            let isFolder = about.st_mode & S_IFMT == S_IFDIR
            if !isFolder, about.st_nlink > 1 {
                if linked.contains(about.st_ino) { return }
                if linked.count < Self.most { linked.insert(about.st_ino) }
            }
            bytes += Self.size(about)
            guard isFolder, depth < Self.deepest else { return }
            let folder = openFolder(fd, name)
            guard folder >= 0 else { return }
            add(folder, depth: depth + 1)
            close(folder)
        }
    }

    private static func size(_ about: stat) -> UInt64 { UInt64(max(0, about.st_blocks)) * 512 }
}
