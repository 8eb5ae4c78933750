import Glibc
import HostProtocol
import SessionModel

/// What a container is shown in place of what tells of its host: files and an empty folder of the display's own.
struct ContainerSight {
    /// What programs need of /proc besides their own processes, and what is the container's own there.
    private static let open: Set<String> = [
        "cpuinfo", "filesystems", "meminfo", "mounts", "net", "self", "sys", "sysvipc", "thread-self", "uptime",
        "version",
    ]
    /// What programs need, but not the host's: its load, and what its processors did.
    private static let replaced = ["loadavg", "stat"]

    /// Counts of what the whole host has open, below /proc/sys, as they are on a machine that has nothing open.
    private static let counts = [
        "fs/aio-nr": "0\n", "fs/dentry-state": "0\t0\t45\t0\t0\t0\n", "fs/inode-nr": "0\t0\n",
        "fs/inode-state": "0\t0\t0\t0\t0\t0\t0\n", "kernel/pty/nr": "0\n",
        "fs/file-nr": "0\t0\t" + (text(of: "/proc/sys/fs/file-max") ?? "0\n"),
    ]

    private let folder: String
    private let hiddenFiles: [String]
    private let hiddenFolders: [String]
    /// Those of ``counts`` that this kernel has.
    private let counted: [String]

    /// What hides everything of this host's /proc that is not known to be harmless, made in `folder` by ``prepare()``.
    init(in folder: String) {
        var files: [String] = []
        var folders: [String] = []
        for name in names(in: "/proc").sorted() where name.first?.isNumber == false {
            guard !Self.open.contains(name), !Self.replaced.contains(name) else { continue }
            var about = stat()
            guard lstat("/proc/" + name, &about) == 0 else { continue }
            switch about.st_mode & S_IFMT {
            case S_IFDIR: folders.append(name)
            case S_IFREG: files.append(name)
            default: break
            }
        }
        let counted = Self.counts.keys.sorted().filter { access("/proc/sys/" + $0, F_OK) == 0 }
        self.init(folder: folder, files: files, folders: folders, counted: counted)
    }

    /// What every host's displays have in common.
    static let template = ContainerSight(
        folder: templateFolder, files: [], folders: [], counted: counts.keys.sorted())
    /// Where its files would be.
    static let templateFolder = "/sight"

    private init(folder: String, files: [String], folders: [String], counted: [String]) {
        self.folder = folder
        hiddenFiles = files
        hiddenFolders = folders
        self.counted = counted
    }

    /// The file in the folder that is shown in place of one of ``counts``.
    private static func name(_ count: String) -> String { count.split(separator: "/").joined(separator: "-") }

    /// Makes the files.
    func prepare() throws(HostFailure) {
        try makeFolder(folder, 0o755)
        try makeFolder(folder + "/nothing", 0o555)
        var generator = SystemRandomNumberGenerator()
        let identity = hexadecimal((0..<16).map { _ in UInt8.random(in: .min ... .max, using: &generator) })
        let made = [
            ("empty", ""), ("machine-id", identity + "\n"), ("loadavg", "0.00 0.00 0.00 1/1 1\n"),
            ("stat", Self.idle(text(of: "/proc/stat") ?? "")),
            // A new one at each reading (random(4)), in the form of the boot's.
            ("boot-id", text(of: "/proc/sys/kernel/random/uuid") ?? ""),
        ]
        let idle = counted.map { (Self.name($0), Self.counts[$0] ?? "") }
        for (name, text) in made + idle { try writeFile(folder + "/" + name, Array(text.utf8), mode: 0o444) }
    }

    /// bubblewrap's arguments, after those that make /proc and /etc.
    var arguments: [String] {
        var words: [String] = []
        func show(_ name: String, _ place: String) { words += ["--ro-bind", folder + "/" + name, place] }
        for name in hiddenFiles { show("empty", "/proc/" + name) }
        for name in hiddenFolders { show("nothing", "/proc/" + name) }
        for name in Self.replaced { show(name, "/proc/" + name) }
        for count in counted { show(Self.name(count), "/proc/sys/" + count) }
        show("boot-id", "/proc/sys/kernel/random/boot_id")
        show("machine-id", "/etc/machine-id")
        return words
    }

    /// /proc/stat (proc(5)) of a machine with as many processors that has never done anything.
    static func idle(_ statistics: String) -> String {
        let lines = statistics.split(separator: "\n").compactMap { line -> String? in
            let word = line.prefix { $0 != " " }
            if word.hasPrefix("cpu") { return "\(word)" + String(repeating: " 0", count: 10) }
            switch word {
            case "btime": return String(line)
            case "intr", "ctxt", "procs_blocked", "softirq": return "\(word) 0"
            case "processes", "procs_running": return "\(word) 1"
            default: return nil
            }
        }
        return lines.joined(separator: "\n") + "\n"
    }
}

extension DisplayFolder {
    /// What the container sees instead of the host's (``ContainerSight``).
    var sight: String { path + "/sight" }
}
