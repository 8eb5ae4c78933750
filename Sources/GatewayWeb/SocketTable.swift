import CLinux
import Glibc

/// One end of a TCP connection. An IPv4 address has four bytes, also where IPv6 carries it (RFC 4291 §2.5.5.2).
struct SocketEnd: Equatable {
    let address: [UInt8]
    let port: UInt16

    /// `address` in the network's order.
    init(address: [UInt8], port: UInt16) {
        let isCarried = address.count == 16 && address.starts(with: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF])
        self.address = isCarried ? Array(address.suffix(4)) : address
        self.port = port
    }

    /// `0100007F:012C`: 32 bits at a time as a number of this machine's, then the port. nil for anything else.
    init?(hex text: ArraySlice<UInt8>) {
        let parts = text.split(separator: UInt8(ascii: ":"))
        guard parts.count == 2, [8, 32].contains(parts[0].count),
            let port = UInt16(String(decoding: parts[1], as: UTF8.self), radix: 16)
        else { return nil }
        var address: [UInt8] = []
        var rest = parts[0]
        while !rest.isEmpty {
            guard let word = UInt32(String(decoding: rest.prefix(8), as: UTF8.self), radix: 16) else { return nil }
            withUnsafeBytes(of: word) { address.append(contentsOf: $0) }
            rest = rest.dropFirst(8)
        }
        self.init(address: address, port: port)
    }

    /// What `name`, a getsockname(2) or getpeername(2), tells; nil where it fails or tells of another family.
    init?(_ name: (UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> Int32) {
        var told = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let isTold = withUnsafeMutablePointer(to: &told) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { name($0, &length) == 0 }
        }
        guard isTold else { return nil }
        let place: Range<Int>
        switch Int32(told.ss_family) {
        case AF_INET: place = 4..<8
        case AF_INET6: place = 8..<24
        default: return nil
        }
        let bytes = withUnsafeBytes(of: &told) { Array($0) }
        self.init(address: Array(bytes[place]), port: UInt16(bytes[2]) << 8 | UInt16(bytes[3]))
    }

    /// Whether this machine has the address: then a socket may be bound to it (bind(2), EADDRNOTAVAIL). Where
    /// ip_nonlocal_bind is on, every address is.
    var isOfThisMachine: Bool {
        let family = address.count == 4 ? AF_INET : AF_INET6
        let probe = socket(family, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard probe >= 0 else { return true }
        defer { close(probe) }
        var place = sockaddr_storage()
        place.ss_family = sa_family_t(family)
        withUnsafeMutableBytes(of: &place) { bytes in
            for (offset, byte) in address.enumerated() { bytes[(family == AF_INET ? 4 : 8) + offset] = byte }
        }
        let length = family == AF_INET ? MemoryLayout<sockaddr_in>.size : MemoryLayout<sockaddr_in6>.size
        let isBound = withUnsafePointer(to: place) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(probe, $0, socklen_t(length)) == 0 }
        }
        return isBound || errno != EADDRNOTAVAIL
    }

    /// Whether only this machine has the address.
    var isLoopback: Bool {
        address.count == 4 ? address[0] == 127 : address == [UInt8](repeating: 0, count: 15) + [1]
    }
}

/// The tables /proc/net/tcp and /proc/net/tcp6 (proc(5)).
enum SocketTable {
    /// Whose a socket is.
    struct Owner: Equatable {
        let uid: UInt32
        let inode: UInt64
    }

    /// Whose the socket is that has `end` and is connected to `other`. nil where `text` has none, and where no process
    /// holds it any more: it has no inode then, and uid 0 whoever it was.
    static func owner(of end: SocketEnd, connectedTo other: SocketEnd, in text: [UInt8]) -> Owner? {
        for row in text.split(separator: UInt8(ascii: "\n")) {
            let fields = row.split(separator: UInt8(ascii: " "))
            guard fields.count > 9, SocketEnd(hex: fields[1]) == end, SocketEnd(hex: fields[2]) == other,
                let uid = UInt32(String(decoding: fields[7], as: UTF8.self)),
                let inode = UInt64(String(decoding: fields[9], as: UTF8.self)), inode != 0
            else { continue }
            return Owner(uid: uid, inode: inode)
        }
        return nil
    }
}
