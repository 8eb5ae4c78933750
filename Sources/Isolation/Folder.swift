import CLinux
import Glibc
import HostProtocol

/// A folder that is held open: what is named below it is found without following any link, whoever owns it and
/// whatever takes its place meanwhile.
///
/// The descriptor ends with the process, which is a child made for this, or with ``close()``.
struct Folder {
    let descriptor: Int32

    /// What is held open already.
    init(descriptor: Int32) { self.descriptor = descriptor }

    /// The folder at `path`, for who has become a user. Its last part is no link; those above may be, and lead where that
    /// user may go. Root goes by ``HomePlace``.
    init(_ path: String) throws(HostFailure) {
        let parts = path.split(separator: "/").map(String.init)
        guard path.hasPrefix("/"), let name = parts.last else {
            throw HostFailure(.refused, "\(path) is no folder that could be used")
        }
        let above = "/" + parts.dropLast().joined(separator: "/")
        let parent = Glibc.open(above, clinux_o_path | O_DIRECTORY | O_CLOEXEC)
        guard parent >= 0 else { throw failure("open \(above)") }
        defer { Glibc.close(parent) }
        try self.init(name, below: parent)
    }

    private init(_ name: String, below parent: Int32) throws(HostFailure) {
        descriptor = clinux_open_beneath(parent, name, clinux_o_path | O_DIRECTORY)
        guard descriptor >= 0 else { throw failure("open \(name)") }
    }

    /// The folder `path` below this one.
    func folder(_ path: String) throws(HostFailure) -> Folder { try Folder(path, below: descriptor) }

    /// The folder `name` in this one, made when it is missing.
    func making(_ name: String, _ mode: mode_t) throws(HostFailure) -> Folder {
        guard mkdirat(descriptor, name, mode) == 0 || errno == EEXIST else { throw failure("mkdir \(name)") }
        return try folder(name)
    }

    /// Writes the file `name` in it, completely or not at all.
    func write(_ name: String, _ bytes: [UInt8], mode: mode_t = 0o600) throws(HostFailure) {
        try writeFile(name, bytes, mode: mode, in: descriptor)
    }

    /// Opens the file `name` in it, which is a plain one: a FIFO or a device holds nobody. Close-on-exec.
    func open(_ name: String, _ flags: Int32, _ mode: mode_t = 0) throws(HostFailure) -> Int32 {
        let file = openat(descriptor, name, flags | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, mode)
        guard file >= 0 else { throw failure("open \(name)") }
        var about = stat()
        guard fstat(file, &about) == 0, about.st_mode & S_IFMT == S_IFREG else {
            Glibc.close(file)
            throw HostFailure(.internalError, "\(name) is no plain file")
        }
        _ = fcntl(file, F_SETFL, fcntl(file, F_GETFL) & ~O_NONBLOCK)
        return file
    }

    /// Gives the entry `name` another name.
    func rename(_ name: String, to other: String) throws(HostFailure) {
        guard renameat(descriptor, name, descriptor, other) == 0 else { throw failure("rename \(name)") }
    }

    /// Whose it is.
    var owner: UInt32? {
        var about = stat()
        return fstat(descriptor, &about) == 0 ? about.st_uid : nil
    }

    func close() { Glibc.close(descriptor) }
}
