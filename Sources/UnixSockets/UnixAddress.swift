import Glibc

/// Where a Unix socket is: at a path, or under an abstract name (unix(7)).
public struct UnixAddress: Equatable, Sendable {
    /// Bytes that a path or a name has at most: `sun_path` has 108, one of them a NUL after a path or before a name.
    public static let longest = MemoryLayout.size(ofValue: sockaddr_un().sun_path) - 1

    /// `sockaddr_un` as system calls read it: the family, then as much of `sun_path` as says where.
    public let bytes: [UInt8]

    /// The socket at `path`; nil: that is empty, has more than 107 bytes, or has a NUL.
    public init?(path: String) {
        guard !path.isEmpty, path.utf8.count <= Self.longest, !path.utf8.contains(0) else { return nil }
        self.init(room: Array(path.utf8) + [0])
    }

    /// The socket whose abstract name is `name`, which may have any bytes; nil: it has more than 107.
    public init?(abstract name: some Collection<UInt8>) {
        guard name.count <= Self.longest else { return nil }
        self.init(room: [0] + name)
    }

    private init(room: [UInt8]) { bytes = withUnsafeBytes(of: sa_family_t(AF_UNIX)) { Array($0) } + room }

    /// Calls `body` with what bind(2), connect(2) and sendto(2) ask for.
    public func withPointer<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
        // The system copies as many bytes as the length says, and wants no whole `sockaddr`.
        bytes.withUnsafeBytes { bytes in
            guard let start = bytes.baseAddress else { preconditionFailure("an address has a family") }
            return body(start.assumingMemoryBound(to: sockaddr.self), socklen_t(bytes.count))
        }
    }

    /// Sends `bytes` as one datagram, should somebody take it there.
    public func send(_ bytes: [UInt8]) {
        let from = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard from >= 0 else { return }
        defer { close(from) }
        _ = withPointer { sendto(from, bytes, bytes.count, Int32(MSG_NOSIGNAL), $0, $1) }
    }

    /// A stream socket connected to this address, close-on-exec, which the caller closes; nil: none could be, and errno says
    /// why (socket(2), connect(2)). `waiting` is for being accepted here, and for every later call on the socket.
    public func connected(_ waiting: Waiting) -> Int32? {
        let opened = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | O_CLOEXEC | (waiting == .never ? O_NONBLOCK : 0), 0)
        guard opened >= 0 else { return nil }
        if case .atMost(let seconds) = waiting {
            var limit = timeval(tv_sec: seconds, tv_usec: 0)
            let size = socklen_t(MemoryLayout<timeval>.size)
            setsockopt(opened, SOL_SOCKET, SO_RCVTIMEO, &limit, size)
            setsockopt(opened, SOL_SOCKET, SO_SNDTIMEO, &limit, size)
        }
        if withPointer({ connect(opened, $0, $1) }) == 0 { return opened }
        let code = errno
        close(opened)
        errno = code
        return nil
    }
}
