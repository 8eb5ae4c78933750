import Glibc

/// Calls `body` with the socket address of `path` (unix(7)); throws when the path has more than 107 bytes or a NUL.
func withUnixAddress<Result>(
    _ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result
) throws(ControlSocketError) -> Result {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let fits = withUnsafeMutableBytes(of: &address.sun_path) { room in
        guard path.utf8.count < room.count, !path.utf8.contains(0) else { return false }
        room.copyBytes(from: path.utf8)
        return true
    }
    guard fits else { throw .pathTooLong(path) }
    return withUnsafePointer(to: address) { address in
        address.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
        }
    }
}
