import Glibc

/// Who asks on a TCP connection.
enum QuotaAsker: Equatable {
    /// A process of this machine's, under the uid.
    case account(UInt32)
    /// Another machine.
    case elsewhere
    /// Nobody who is still there, or who can be seen from here.
    case unknown

    /// Looks for the other end of `connection` among this machine's sockets.
    init(of connection: Int32) {
        guard let asker = SocketEnd({ getpeername(connection, $0, $1) }),
            let own = SocketEnd({ getsockname(connection, $0, $1) })
        else {
            self = .unknown
            return
        }
        guard let owner = Self.owner(of: asker, connectedTo: own) else {
            self = Self.stranger(at: asker, to: own)
            return
        }
        // A row is not written in one moment: whoever is closing may have uid 0 in it. Who still has the socket afterwards
        // had not begun to.
        self = Self.owner(of: asker, connectedTo: own) == owner ? .account(owner.uid) : .unknown
    }

    /// Whether the portal's port answers: root, one of `accounts` as the machine has them now, and other machines, which
    /// reach it only where it was given an address for them.
    func mayAsk(_ accounts: [String]) -> Bool {
        switch self {
        case .account(let uid): uid == 0 || accounts.contains { Self.uid(of: $0) == uid }
        case .elsewhere: true
        case .unknown: false
        }
    }

    /// Who asks from `asker`, which no socket of this machine's is: another machine, unless that cannot be. A socket that was
    /// closed is nobody's here, whatever address of this machine's it was bound to.
    static func stranger(at asker: SocketEnd, to own: SocketEnd) -> QuotaAsker {
        own.isLoopback || asker.isOfThisMachine ? .unknown : .elsewhere
    }

    private static func owner(of end: SocketEnd, connectedTo other: SocketEnd) -> SocketTable.Owner? {
        // An IPv4 connection is in either, by the kind of the socket.
        for path in ["/proc/net/tcp", "/proc/net/tcp6"] {
            if let owner = SocketTable.owner(of: end, connectedTo: other, in: bytes(of: path)) { return owner }
        }
        return nil
    }

    /// Nothing of what cannot be read.
    private static func bytes(of path: String) -> [UInt8] {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return [] }
        defer { close(file) }
        var bytes: [UInt8] = []
        var part = [UInt8](repeating: 0, count: 65536)
        while case let count = read(file, &part, part.count), count > 0 { bytes += part[..<count] }
        return bytes
    }

    private static func uid(of account: String) -> UInt32? {
        var record = passwd()
        var found: UnsafeMutablePointer<passwd>?
        var room = [CChar](repeating: 0, count: 65536)
        guard getpwnam_r(account, &record, &room, room.count, &found) == 0, found != nil else { return nil }
        return record.pw_uid
    }
}
