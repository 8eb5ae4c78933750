import CLinux
import Glibc

/// Who is at the other end of a control connection, as the kernel says (SO_PEERCRED, unix(7)).
public struct Caller: Sendable, Equatable {
    public let uid: UInt32
    public let gid: UInt32
    /// The process that connected; it may be gone.
    public let pid: Int32

    /// A caller with known ids.
    public init(uid: UInt32, gid: UInt32, pid: Int32) {
        self.uid = uid
        self.gid = gid
        self.pid = pid
    }

    /// The peer of `socket`; nil when the kernel does not tell.
    init?(peerOf socket: Int32) {
        var credentials = clinux_peer()
        guard clinux_peer_of(socket, &credentials) == 0 else { return nil }
        self.init(uid: credentials.uid, gid: credentials.gid, pid: credentials.pid)
    }
}
