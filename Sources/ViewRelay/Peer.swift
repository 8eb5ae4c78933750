import Glibc

/// One end of a TCP connection; the other one as accept4(2) told it is known after the connection is gone, too.
struct Peer: Sendable {
    /// An IPv6 address in network order; of an IPv4 one the address that stands for it (RFC 4291 §2.5.5.2).
    private let high: UInt64
    private let low: UInt64
    private let port: UInt16

    /// The address of a socket, or of its peer.
    init(_ peer: sockaddr_storage) {
        (high, low, port) = withUnsafeBytes(of: peer) { bytes in
            let port = UInt16(bigEndian: bytes.loadUnaligned(fromByteOffset: 2, as: UInt16.self))
            switch Int32(peer.ss_family) {
            case AF_INET:
                let address = UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: 4, as: UInt32.self))
                return (0, 0xFFFF << 32 | UInt64(address), port)
            case AF_INET6:
                return (
                    UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self)),
                    UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 16, as: UInt64.self)), port
                )
            default: return (0, 0, 0)
            }
        }
    }

    private var isIPv4: Bool { high == 0 && low >> 32 == 0xFFFF }

    /// As limits count: an IPv4 address, or an IPv6 network of 64 bits, which is what one subscriber gets (RFC 6177 §2).
    var source: Source { isIPv4 ? Source(network: 0, address: low) : Source(network: high, address: 0) }

    /// In words and figures.
    var address: PeerAddress {
        var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        if isIPv4 {
            var address = in_addr(s_addr: UInt32(truncatingIfNeeded: low).bigEndian)
            inet_ntop(AF_INET, &address, &text, socklen_t(text.count))
        } else {
            var address = (high.bigEndian, low.bigEndian)
            inet_ntop(AF_INET6, &address, &text, socklen_t(text.count))
        }
        return PeerAddress(
            host: text.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } ?? "" }, port: "\(port)")
    }
}

/// Where connections come from, as limits count them.
struct Source: Hashable, Sendable {
    fileprivate let network: UInt64
    fileprivate let address: UInt64
}
