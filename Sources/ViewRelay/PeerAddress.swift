import Glibc

/// One end of a TCP connection, numeric.
struct PeerAddress {
    let host: String
    let port: String

    /// The end here of a connection, or where a socket listens (getsockname(2)).
    static func own(of descriptor: Int32) -> PeerAddress? {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let isKnown = withUnsafeMutablePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) == 0 }
        }
        return isKnown ? Peer(storage).address : nil
    }

    /// The first line of a connection to the web module: PROXY protocol version 1, as HAProxy's
    /// `proxy-protocol.txt` has it.
    static func proxyLine(from source: PeerAddress, to target: PeerAddress) -> [UInt8] {
        let isSix = source.host.contains(":") || target.host.contains(":")
        let (from, to) =
            isSix ? (sixth(source.host), sixth(target.host)) : (source.host, target.host)
        return Array("PROXY TCP\(isSix ? 6 : 4) \(from) \(to) \(source.port) \(target.port)\r\n".utf8)
    }

    private static func sixth(_ host: String) -> String { host.contains(":") ? host : "::ffff:" + host }
}
