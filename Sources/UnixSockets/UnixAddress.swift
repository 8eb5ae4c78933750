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
}
