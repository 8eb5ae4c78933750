import FoundationEssentials
import Glibc
import HostProtocol
import SessionModel

/// Where a host keeps what runs: `data.sock`, `displays/N/`, `locks/`, `ended/`.
public struct RunFolder: Sendable {
    /// The folder itself, absolute.
    public let path: String
    /// Whether displays get a container.
    public let isolation: Isolation

    /// How displays are kept apart.
    public enum Isolation: String, Sendable {
        case container, none
    }

    /// A host's run folder; nothing is made yet.
    public init(path: String, isolation: Isolation) {
        self.path = path
        self.isolation = isolation
    }

    var dataSocket: String { path + "/data.sock" }
    var log: String { path + "/host.log" }

    /// Makes what is missing.
    func prepare() throws(HostFailure) {
        try makeFolders(path, 0o755)
        for name in ["locks", "ended"] { try makeFolder(path + "/" + name, 0o700) }
        // To be passed through, not read: without a container Xvnc reaches its own folder by its path.
        try makeFolder(path + "/displays", 0o711)
    }

    func display(_ number: DisplayNumber) -> DisplayFolder { DisplayFolder(path: "\(path)/displays/\(number)") }

    /// The displays that have a folder.
    var displays: [DisplayNumber] {
        names(in: path + "/displays").compactMap { Int($0).flatMap { try? DisplayNumber($0) } }.sorted()
    }

    /// Takes a display's number, or the data process's place (nil), for as long as the descriptor is open.
    /// Answers nil while somebody else has it.
    func lock(_ display: DisplayNumber?) -> Int32? {
        let fd = open("\(path)/locks/\(display.map { "\($0)" } ?? "data")", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard fd >= 0 else { return nil }
        if flock(fd, LOCK_EX | LOCK_NB) == 0 { return fd }
        close(fd)
        return nil
    }

    /// Keeps the account of a display that died while no controller listened.
    func remember(_ end: DisplayEnd) { try? writeFile("\(path)/ended/\(end.display)", encoded(end)) }

    /// The accounts kept, each given once.
    func takeRemembered() -> [DisplayEnd] {
        names(in: path + "/ended").compactMap { name in
            let file = "\(path)/ended/\(name)"
            let end = contents(of: file).flatMap { decoded($0, as: DisplayEnd.self) }
            return unlink(file) == 0 ? end : nil
        }
    }

    /// The kernel's boot id and a random one of this run folder.
    func bootID() -> String {
        let file = path + "/boot-id"
        if contents(of: file) == nil { try? writeFile(file, Array(Secret.token().exposed.utf8)) }
        let kernel = text(of: "/proc/sys/kernel/random/boot_id")?.split(separator: "\n").first ?? ""
        return "\(kernel)-\(text(of: file) ?? "")"
    }
}

/// What one display keeps on disk.
struct DisplayFolder {
    let path: String
    /// The keeper's socket: JSON lines.
    var keeper: String { path + "/keep.sock" }
    /// The keeper's datagram socket: connections with their keys.
    var door: String { path + "/door.sock" }
    /// What Xvnc sees and owns.
    var server: String { path + "/x" }
    var rfb: String { server + "/rfb" }
    var serverLog: String { path + "/xvnc.log" }
    var state: String { path + "/state" }
    var exit: String { path + "/exit" }
}

/// What a keeper writes down so that another process can clean up after it.
struct KeeperState: Codable {
    /// The container's first process, or Xvnc without a container.
    var first: ProcessIdentity?
    /// The application, where no container ends it.
    var application: ProcessIdentity?
    var session: SessionNumber?
    /// The display's cgroups.
    var groups: [String] = []
}

extension KeeperState {
    /// Removes what an Xvnc without a container leaves in /tmp when it is killed; never another server's.
    func removePlainTraces(of number: DisplayNumber) {
        let lock = "/tmp/.X\(number)-lock"
        if let first, let holder = text(of: lock)?.split(whereSeparator: \.isWhitespace).first,
            Int32(holder) == first.pid
        {
            unlink(lock)
            unlink("/tmp/.X11-unix/X\(number)")
        }
        if let session { unlink("/tmp/.maxwell-auth-\(number)-\(session)") }
    }
}
