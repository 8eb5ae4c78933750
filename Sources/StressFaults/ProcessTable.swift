import Glibc

/// What proc(5) says of this machine's processes.
enum ProcessTable {
    /// The processes there are.
    static var all: [pid_t] {
        guard let folder = opendir("/proc") else { return [] }
        defer { closedir(folder) }
        var found: [pid_t] = []
        while let entry = readdir(folder) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if let pid = pid_t(name) { found.append(pid) }
        }
        return found
    }

    /// The file `name` of a process; nil when it has ended.
    static func text(of process: pid_t, _ name: String) -> String? { fileText("/proc/\(process)/\(name)") }

    /// When it began, in clock ticks since the machine did: a process number that is used again is not mistaken. Nil
    /// when it has ended, also where nobody has asked yet how.
    static func beginning(of process: pid_t) -> UInt64? {
        guard let line = text(of: process, "stat"), let name = line.lastIndex(of: ")") else { return nil }
        let fields = line[line.index(after: name)...].split(separator: " ")
        guard fields.count > 19, !["Z", "X"].contains(fields[0]) else { return nil }
        return UInt64(fields[19])
    }

    /// Sends a signal to exactly that process; false when it has ended.
    @discardableResult
    static func signal(_ number: Int32, to process: pid_t, that began: UInt64) -> Bool {
        beginning(of: process) == began && kill(process, number) == 0
    }
}

/// The whole file at `path`, up to 16 MiB, read to its end whatever its size says; nil when it cannot be read.
func fileText(_ path: String) -> String? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 16384)
    while bytes.count < 16 << 20 {
        let count = read(descriptor, &buffer, buffer.count)
        if count < 0, errno == EINTR { continue }
        guard count >= 0 else { return nil }
        guard count > 0 else { break }
        bytes += buffer.prefix(count)
    }
    return String(decoding: bytes, as: UTF8.self)
}
