import CLinux
import Glibc
import HostProtocol
import UnixSockets

private func withAddress(
    _ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
) -> Int32 {
    guard let address = UnixAddress(path: path) else {
        errno = ENAMETOOLONG
        return -1
    }
    return address.withPointer(body)
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
    guard let address = UnixAddress(path: path) else {
        errno = ENAMETOOLONG
        return nil
    }
    return address.connected(.never)
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

/// Hands `fd` with `words` to whoever reads the datagram socket at `path`; 0 or errno, EAGAIN when as many as may
/// (net.unix.max_dgram_qlen, unix(7)) wait there already.
func handOver(_ fd: Int32, _ words: [UInt8], to path: String) -> Int32 {
    guard let address = UnixAddress(path: path) else { return ENAMETOOLONG }
    let from = unixSocket(SOCK_DGRAM)
    guard from >= 0 else { return errno }
    defer { close(from) }
    return address.withPointer { clinux_send_descriptor(from, $0, $1, words, words.count, fd) < 0 ? errno : 0 }
}
