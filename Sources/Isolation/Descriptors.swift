import Glibc
import HostProtocol

/// What `call` failed with, in the words of strerror(3).
func failure(_ call: String, _ code: Int32 = errno) -> HostFailure {
    let kind: HostFailure.Kind = code == ENOSPC || code == EDQUOT ? .diskFull : .internalError
    return HostFailure(kind, "\(call): \(String(cString: strerror(code)))")
}

/// Makes reads and writes of `fd` return at once.
func makeNonblocking(_ fd: Int32) { _ = fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) }

/// The whole of a small file, nil when it cannot be read; files of /proc have no size to ask for.
func contents(of path: String) -> [UInt8]? {
    let fd = open(path, O_RDONLY | O_CLOEXEC)
    guard fd >= 0 else { return nil }
    defer { close(fd) }
    return contents(from: fd)
}

/// What a blocking descriptor gives until its end; nil when it cannot be read.
func contents(from fd: Int32) -> [UInt8]? {
    var bytes: [UInt8] = []
    var part = [UInt8](repeating: 0, count: 16384)
    while true {
        let count = read(fd, &part, part.count)
        if count < 0 && errno == EINTR { continue }
        guard count >= 0 else { return nil }
        if count == 0 { return bytes }
        bytes += part[..<count]
    }
}

/// The whole of a small text file.
func text(of path: String) -> String? { contents(of: path).map { String(decoding: $0, as: UTF8.self) } }

/// Writes all of `bytes` to a blocking descriptor.
func writeAll(_ bytes: [UInt8], to fd: Int32) -> Bool {
    var done = 0
    while done < bytes.count {
        let count = bytes[done...].withUnsafeBytes { write(fd, $0.baseAddress, $0.count) }
        if count < 0 && errno == EINTR { continue }
        guard count > 0 else { return false }
        done += count
    }
    return true
}

/// Writes a file that is there completely or not at all: a new one, renamed. A relative `path` is in `folder`.
func writeFile(
    _ path: String, _ bytes: [UInt8], mode: mode_t = 0o600, owner: UInt32? = nil, in folder: Int32 = AT_FDCWD
) throws(HostFailure) {
    let new = path + ".new"
    unlinkat(folder, new, 0)
    let fd = openat(folder, new, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode)
    guard fd >= 0 else { throw failure("open \(new)") }
    fchmod(fd, mode)
    let written = writeAll(bytes, to: fd)
    let code = errno
    if let owner { fchown(fd, owner, owner) }
    close(fd)
    guard written, renameat(folder, new, folder, path) == 0 else {
        let cause = written ? errno : code
        unlinkat(folder, new, 0)
        throw failure("write \(path)", cause)
    }
}

/// Makes one folder, content when it is there.
func makeFolder(_ path: String, _ mode: mode_t) throws(HostFailure) {
    guard mkdir(path, mode) == 0 || errno == EEXIST else { throw failure("mkdir \(path)") }
}

/// Makes a folder and those above it.
func makeFolders(_ path: String, _ mode: mode_t) throws(HostFailure) {
    var soFar = ""
    for part in path.split(separator: "/") {
        soFar += "/" + part
        try makeFolder(soFar, mode)
    }
}

/// The names in a folder, without `.` and `..`.
func names(in folder: String) -> [String] {
    guard let stream = opendir(folder) else { return [] }
    defer { closedir(stream) }
    var found: [String] = []
    while let entry = readdir(stream) {
        let name = withUnsafePointer(to: &entry.pointee.d_name) {
            $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
        }
        if name != "." && name != ".." { found.append(name) }
    }
    return found
}

/// Seconds of the monotonic clock.
func now() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}

/// Writes one line to standard error, which is the host's log.
func log(_ line: String) { _ = writeAll(Array("maxwell-host[\(getpid())]: \(line)\n".utf8), to: 2) }
