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
    /// The display server: a path, or a name that PATH finds.
    public let displayServer: String
    /// Seconds after which the names that a session may reach are looked up again.
    public let namesEvery: Double

    /// How displays are kept apart.
    public enum Isolation: String, Sendable {
        case container, none
    }

    /// A host's run folder; nothing is made yet.
    public init(path: String, isolation: Isolation, displayServer: String = "Xvnc", namesEvery: Double = 60) {
        self.path = path
        self.isolation = isolation
        self.displayServer = displayServer
        self.namesEvery = namesEvery
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

    /// What a display's keeper wrote down last.
    func left(of number: DisplayNumber) -> KeeperState {
        contents(of: display(number).state).flatMap { decoded($0) } ?? KeeperState()
    }

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

    /// The data process, as whoever started it noted; nil before that.
    var dataProcess: Int32? { text(of: path + "/locks/data").flatMap { Int32($0) } }

    /// Notes the data process in its lock file, which is `lock`.
    func noteDataProcess(_ pid: Int32, in lock: Int32) {
        ftruncate(lock, 0)
        let words = Array("\(pid)".utf8)
        _ = pwrite(lock, words, words.count, 0)
    }

    /// Keeps the account of a display that died while no controller listened.
    func remember(_ end: DisplayEnd) {
        let name = "\(end.display)" + (end.session.map { "-\($0)" } ?? "")
        try? writeFile("\(path)/ended/\(name)", encoded(end))
    }

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
        return "\(Self.kernelBoot)-\(text(of: file) ?? "")"
    }

    /// The kernel's boot id (random(4)).
    static var kernelBoot: String {
        text(of: "/proc/sys/kernel/random/boot_id")?.split(separator: "\n").first.map(String.init) ?? ""
    }

    /// The name of a display's cgroups, which hosts that share a machine may see: told apart by the run folder.
    func groupName(of display: DisplayNumber) -> String { "display-\(display)-\(bootID().suffix(8))" }
}

/// What one display keeps on disk.
struct DisplayFolder {
    let path: String
    /// The keeper's socket: JSON lines.
    var keeper: String { path + "/keep.sock" }
    /// The keeper's datagram socket: connections with their keys.
    var door: String { path + "/door.sock" }
    /// What Xvnc sees; its own until it has its socket.
    var server: String { path + "/x" }
    var rfb: String { server + "/rfb" }
    var serverLog: String { path + "/xvnc.log" }
    var state: String { path + "/state" }
    var exit: String { path + "/exit" }
    /// There when somebody on this host made the display: it is no controller's business.
    var madeByHand: String { path + "/by-hand" }
}

/// What a keeper writes down so that another process can clean up after it.
struct KeeperState: Codable {
    /// The container's first process, or Xvnc without a container.
    var first: ProcessIdentity?
    /// The application, where no container ends it.
    var application: ProcessIdentity?
    var session: SessionNumber?
    /// Whose session it is.
    var account: Account?
    /// The display's cgroups.
    var groups: [String] = []
    var state: DisplayReport.State?
    /// What the display was made from.
    var template: String?
    /// Its data link key.
    var key: Secret?
    /// ``RunFolder/kernelBoot`` when it was made: after another boot no process, and no time, is what it was.
    var boot: String?
    /// Whether it has, or is about to get, a cable.
    var plugged: Bool?
    /// The hand-over.
    var handedOver: UseMark?
    /// The last time at which the application is known to have run.
    var beat: UseMark?
    /// Whether the host's synthetic process has it: nothing of it runs, and there are no groups.
    var isSynthetic: Bool?
}

/// A moment in a display's life.
struct UseMark: Codable, Equatable {
    /// Seconds of the monotonic clock.
    var at: Double
    /// CPU seconds the display had used by then.
    var cpu: Double
}
