import Glibc

/// One end of a TCP connection, numeric.
struct PeerAddress {
    let host: String
    let port: String

    /// The end here.
    static func own(of descriptor: Int32) -> PeerAddress? { end(of: descriptor, getsockname) }

    /// The other end.
    static func other(of descriptor: Int32) -> PeerAddress? { end(of: descriptor, getpeername) }

    /// The first line of a connection to the web module: PROXY protocol version 1, as HAProxy's
    /// `proxy-protocol.txt` has it.
    static func proxyLine(from source: PeerAddress, to target: PeerAddress) -> [UInt8] {
        let isSix = source.host.contains(":") || target.host.contains(":")
        let (from, to) =
            isSix ? (sixth(source.host), sixth(target.host)) : (source.host, target.host)
        return Array("PROXY TCP\(isSix ? 6 : 4) \(from) \(to) \(source.port) \(target.port)\r\n".utf8)
    }

    private static func sixth(_ host: String) -> String { host.contains(":") ? host : "::ffff:" + host }

    private static func end(
        of descriptor: Int32,
        _ call: (Int32, UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> Int32
    ) -> PeerAddress? {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        return withUnsafeMutablePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                guard call(descriptor, address, &length) == 0 else { return nil }
                var host = [CChar](repeating: 0, count: 64)
                var port = [CChar](repeating: 0, count: 8)
                guard
                    getnameinfo(
                        address, length, &host, 64, &port, 8, NI_NUMERICHOST | NI_NUMERICSERV) == 0
                else { return nil }
                var text = host.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } ?? "" }
                if text.hasPrefix("::ffff:"), text.contains(".") { text = String(text.dropFirst(7)) }
                return PeerAddress(
                    host: text, port: port.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } ?? "" })
            }
        }
    }
}
