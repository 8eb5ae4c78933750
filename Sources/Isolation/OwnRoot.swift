import CLinux
import Glibc
import HostProtocol
import SessionModel

/// The root folder of an application that brings its own programs: their tree, which nobody writes to, with the
/// container's processes, devices, temporary folders, accounts and home in it.
///
/// It is seen by the application alone, in a mount namespace of its own; whatever else enters the display sees the
/// host's programs.
struct OwnRoot {
    /// A detached mount of the tree, read-only, without set-user-ID programs and devices.
    private let tree: Int32

    /// What goes on from the container as it is, with the mounts below it.
    private static let kept = ["/proc", "/dev", "/tmp", "/var/tmp", "/run"]
    /// The files that are the session's and not the tree's.
    private static let files = [
        "passwd", "group", "nsswitch.conf", "hostname", "resolv.conf", "machine-id", "localtime", "timezone",
    ]
    private static let place = "/.tree"

    /// On the host, as root: the tree at `path`.
    init(folder path: String) throws(HostFailure) {
        guard path.hasPrefix("/") else { throw HostFailure(.applicationFailed, "tree \(path): no absolute path") }
        let folder = open(path, clinux_o_path | O_DIRECTORY | O_CLOEXEC)
        guard folder >= 0 else { throw failure("tree \(path)") }
        defer { close(folder) }
        tree = clinux_open_tree_at(folder)
        guard tree >= 0, clinux_mount_sealed(tree) == 0 else { throw failure("tree \(path)") }
    }

    /// In the container, as root: makes it the root of the calling process, with the home of `account` in it.
    func become(for account: Account) throws(HostFailure) {
        try need("unshare", clinux_unshare(clinux_clone_newns))
        try need("private", mount(nil, "/", nil, UInt(MS_REC | MS_PRIVATE), nil))
        try makeFolder(Self.place, 0o700)
        let harmless = UInt(MS_NOSUID | MS_NODEV)
        try need("tmpfs", mount("tmpfs", Self.place, "tmpfs", harmless, "mode=0755,size=4m"))
        for name in ["lower", "upper", "work", "root"] { try makeFolder("\(Self.place)/\(name)", 0o755) }
        try need("tree", clinux_move_mount(tree, Self.place + "/lower"))
        let layers = ["lower", "upper", "work"].map { "\($0)dir=\(Self.place)/\($0)" }.joined(separator: ",")
        try need("overlay", mount("overlay", Self.place + "/root", "overlay", harmless, layers))
        let root = open(Self.place + "/root", clinux_o_path | O_DIRECTORY | O_CLOEXEC)
        try need("root", root)
        for path in Self.kept + [account.home] {
            let copy = clinux_open_trees(path)
            try need(path, copy)
            try need("mount \(path)", clinux_move_mount_onto(copy, Self.folder(path, in: root)))
        }
        let settings = try Self.folder("/etc", in: root)
        for name in Self.files {
            guard let bytes = contents(of: "/etc/" + name) else { continue }
            try writeFile(name, bytes, mode: 0o644, in: settings)
        }
        // The same file, not a copy: names are looked up again while the session lives.
        try writeFile("hosts", [], mode: 0o644, in: settings)
        let hosts = clinux_open_trees("/etc/hosts")
        let place = openat(settings, "hosts", clinux_o_path | O_NOFOLLOW | O_CLOEXEC)
        try need("hosts", place < 0 ? place : clinux_move_mount_onto(hosts, place))
        try need("seal", clinux_mount_sealed(root))
        try need("pivot_root", fchdir(root) == 0 ? clinux_pivot_here() : -1)
        try need("umount", umount2(".", Int32(MNT_DETACH)))
        try need("chdir", chdir("/"))
    }

    private func need(_ step: String, _ result: Int32) throws(HostFailure) {
        guard result >= 0 else { throw failure("tree: \(step)") }
    }

    /// The folder `path` as it will be named inside, made when it is missing. Links lead nowhere out of `root`.
    private static func folder(_ path: String, in root: Int32) throws(HostFailure) -> Int32 {
        var above = root
        var soFar = ""
        for part in path.split(separator: "/").map(String.init) {
            soFar += "/" + part
            var next = clinux_open_in_root(root, soFar, clinux_o_path | O_DIRECTORY)
            if next < 0, errno == ENOENT, mkdirat(above, part, 0o755) == 0 {
                next = clinux_open_in_root(root, soFar, clinux_o_path | O_DIRECTORY)
            }
            guard next >= 0 else { throw failure("tree: \(soFar)") }
            above = next
        }
        return above
    }
}
