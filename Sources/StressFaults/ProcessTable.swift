import Glibc

/// What proc(5) says of this machine's processes.
enum ProcessTable {
    /// The processes there are.
    static var all: [pid_t] { names(in: "/proc").compactMap { pid_t($0) } }

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
        beginning(of: process) == began && Glibc.kill(process, number) == 0
    }
}

extension ProcessTable {
    /// What came of killing a process.
    enum Killing {
        case killed
        /// It had ended before anything was done to it.
        case hadEnded
        /// It did not end: the kernel is not done with it, or it is not ours to kill.
        case livesOn
    }

    /// Kills exactly that process, by the signal `number`, and waits for so many seconds at most until it has ended.
    static func kill(
        _ process: pid_t, that began: UInt64, by number: Int32 = SIGKILL, within seconds: Double = 10
    ) -> Killing {
        guard signal(number, to: process, that: began) else {
            return beginning(of: process) == began ? .livesOn : .hadEnded
        }
        let end = ContinuousClock.now + .seconds(seconds)
        while beginning(of: process) == began {
            guard ContinuousClock.now < end else { return .livesOn }
            usleep(5_000)
        }
        return .killed
    }
}

/// The names in a folder, `.` and `..` among them; none when it cannot be read.
func names(in path: String) -> [String] {
    guard let folder = opendir(path) else { return [] }
    defer { closedir(folder) }
    var found: [String] = []
    while let entry = readdir(folder) {
        found.append(
            withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            })
    }
    return found
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
