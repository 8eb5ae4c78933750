import CLinux
import Glibc
import HostProtocol

/// The place of a home as root finds it: the folder that the home lies in, held open, and the home's name there.
///
/// Links on the way are followed where only root can have laid them: a user's would choose where root makes folders and
/// what it gives away. Wherever they lead, it is no folder of the system's. For a child: a file system may hang, and what
/// stays open after a failure ends with the process.
struct HomePlace {
    /// With O_PATH, to be closed.
    let folder: Folder
    let name: String

    /// As many links as the kernel follows (path_resolution(7)).
    private static let mostLinks = 40

    /// The place of `home`; throws when the folder it lies in is not there.
    init(_ home: String) throws(HostFailure) {
        guard let place = try Self.found(home) else { throw Self.unavailable(PathParts(home).parent, ENOENT) }
        self = place
    }

    private init(folder: Folder, name: String) {
        self.folder = folder
        self.name = name
    }

    /// The place of `home`; nil when the folder it lies in is not there.
    static func found(_ home: String) throws(HostFailure) -> HomePlace? {
        let (above, name) = (PathParts(home).parent, PathParts(home).name)
        guard let folder = try reach(above) else { return nil }
        guard let real = content(ofLink: "/proc/self/fd/\(folder)", in: AT_FDCWD) else { throw unavailable(above) }
        // It is not repeated: who renames folders meanwhile chooses its words.
        if let words = OrderCheck.fault(ofHome: (real == "/" ? "" : real) + "/" + name) {
            throw HostFailure(.refused, "\(home), where its links lead: \(words)")
        }
        return HomePlace(folder: Folder(descriptor: folder), name: name)
    }

    /// Opens the folder `path` part by part; nil when it is not there.
    private static func reach(_ path: String) throws(HostFailure) -> Int32? {
        let flags = clinux_o_path | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC
        var folder = open("/", flags)
        var parts = Array(path.split(separator: "/").map(String.init).reversed())
        var links = 0
        while let part = parts.popLast() {
            // With O_DIRECTORY what is mounted on demand gets mounted, also with O_PATH (fs/namei.c, follow_automount).
            var next = openat(folder, part, flags)
            if next < 0 {
                if errno == ENOENT { return nil }
                guard errno == ENOTDIR || errno == ELOOP else { throw unavailable(path) }
                let target = try target(of: part, in: folder, path)
                links += 1
                guard links <= mostLinks else { throw unavailable(path, ELOOP) }
                parts += target.split(separator: "/").map(String.init).reversed()
                next = openat(folder, target.hasPrefix("/") ? "/" : ".", flags)
            }
            close(folder)
            folder = next
        }
        guard folder >= 0 else { throw unavailable(path) }
        return folder
    }

    /// Where the link `name` in `folder` leads, which is root's, in a folder where nobody else could have laid it.
    private static func target(of name: String, in folder: Int32, _ path: String) throws(HostFailure) -> String {
        let link = openat(folder, name, clinux_o_path | O_NOFOLLOW | O_CLOEXEC)
        guard link >= 0 else { throw unavailable(path) }
        defer { close(link) }
        var about = stat()
        var above = stat()
        guard fstat(link, &about) == 0, fstat(folder, &above) == 0 else { throw unavailable(path) }
        guard about.st_mode & S_IFMT == S_IFLNK else { throw unavailable(path, ENOTDIR) }
        let isSticky = above.st_mode & 0o1000 != 0
        guard about.st_uid == 0, above.st_uid == 0, isSticky || above.st_mode & 0o022 == 0 else {
            throw HostFailure(.homeUnavailable, "\(path): the link \(name) on the way may be another's than root's")
        }
        guard let target = content(ofLink: "", in: link) else { throw unavailable(path) }
        return target
    }

    /// What readlinkat(2) answers.
    private static func content(ofLink name: String, in folder: Int32) -> String? {
        var text = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = readlinkat(folder, name, &text, text.count)
        guard count >= 0 else { return nil }
        return String(decoding: text.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    private static func unavailable(_ path: String, _ code: Int32 = errno) -> HostFailure {
        HostFailure(.homeUnavailable, failure("open \(path)", code).cause)
    }
}
