import CLinux
import Glibc
import HostProtocol

/// A Unix socket's address and its length; nil when the path is longer than 107 bytes.
func unixAddress(_ path: String) -> (sockaddr_un, socklen_t)? {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let bytes = Array(path.utf8)
    guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else { return nil }
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
    return (address, socklen_t(MemoryLayout<sockaddr_un>.size))
}

private func withAddress(
    _ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
) -> Int32 {
    guard let (address, length) = unixAddress(path) else {
        errno = ENAMETOOLONG
        return -1
    }
    return withUnsafePointer(to: address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, length) }
    }
}

private func unixSocket(_ type: __socket_type) -> Int32 {
    socket(AF_UNIX, Int32(type.rawValue) | O_CLOEXEC | O_NONBLOCK, 0)
}

/// A listening (or datagram) Unix socket, close-on-exec and non-blocking; an old one at `path` is removed. 4096 may
/// wait to be accepted: all viewers of a host may come back in one moment.
func listenUnix(_ path: String, _ type: __socket_type = SOCK_STREAM) throws(HostFailure) -> Int32 {
    let fd = unixSocket(type)
    guard fd >= 0 else { throw failure("socket") }
    unlink(path)
    let mask = umask(0o177)
    let bound = withAddress(path) { bind(fd, $0, $1) }
    let code = errno
    umask(mask)
    guard bound == 0 else {
        close(fd)
        throw failure("bind \(path)", code)
    }
    if type == SOCK_STREAM { listen(fd, 4096) }
    return fd
}

/// A connected Unix socket, close-on-exec and non-blocking; nil when nobody answers, with errno.
func connectUnix(_ path: String) -> Int32? {
    let fd = unixSocket(SOCK_STREAM)
    guard fd >= 0 else { return nil }
    if withAddress(path, { connect(fd, $0, $1) }) == 0 { return fd }
    let code = errno
    close(fd)
    errno = code
    return nil
}

/// A connected Unix socket as ``connectUnix(_:)`` makes it, to a socket at `path` that `owner` bound. What else `owner` may
/// have put there, a link to somebody else's socket above all, is not connected to.
func connectUnix(_ path: String, boundBy owner: UInt32) -> Int32? {
    let found = open(path, clinux_o_path | O_NOFOLLOW | O_CLOEXEC)
    guard found >= 0 else { return nil }
    defer { close(found) }
    var about = stat()
    guard fstat(found, &about) == 0, about.st_mode & S_IFMT == S_IFSOCK, about.st_uid == owner else {
        errno = EACCES
        return nil
    }
    return connectUnix("/proc/self/fd/\(found)")
}

/// Hands `fd` with `words` to whoever reads the datagram socket at `path`.
func handOver(_ fd: Int32, _ words: [UInt8], to path: String) -> Bool {
    guard let found = unixAddress(path) else { return false }
    var address = found.0
    let from = unixSocket(SOCK_DGRAM)
    guard from >= 0 else { return false }
    defer { close(from) }
    return clinux_send_descriptor(from, &address, found.1, words, words.count, fd) == words.count
}
