import Glibc
import UnixSockets

/// An address to connect to.
struct Endpoint: Sendable {
    let family: Int32
    /// A sockaddr of that family.
    let address: [UInt8]

    /// Every address of `host`, the best first; none when nobody knows it. A name may take a while, but for
    /// `numericOnly` ones.
    static func find(_ host: String, port: UInt16, numericOnly: Bool) -> [Endpoint] {
        var hints = addrinfo()
        hints.ai_flags = AI_NUMERICSERV | (numericOnly ? AI_NUMERICHOST : AI_ADDRCONFIG)
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var found: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(host, "\(port)", &hints, &found) == 0 else { return [] }
        defer { freeaddrinfo(found) }
        var endpoints: [Endpoint] = []
        var next = found
        while let one = next {
            next = one.pointee.ai_next
            let bytes = UnsafeRawBufferPointer(start: one.pointee.ai_addr, count: Int(one.pointee.ai_addrlen))
            endpoints.append(Endpoint(family: one.pointee.ai_family, address: Array(bytes)))
        }
        return endpoints
    }

    /// The Unix socket at `path`; nil: the path is too long for one (unix(7)).
    static func unix(_ path: String) -> Endpoint? {
        UnixAddress(path: path).map { Endpoint(family: AF_UNIX, address: $0.bytes) }
    }

    /// A socket that is connected, or becomes so or broken (connect(2), EINPROGRESS); nil: neither.
    func connect() -> (descriptor: Int32, isUnderWay: Bool)? {
        let descriptor = socket(
            family, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0)
        guard descriptor >= 0 else { return nil }
        let result = address.withUnsafeBytes { bytes in
            bytes.baseAddress.map {
                Glibc.connect(descriptor, $0.assumingMemoryBound(to: sockaddr.self), socklen_t(bytes.count))
            }
        }
        guard result == 0 || errno == EINPROGRESS else {
            close(descriptor)
            return nil
        }
        return (descriptor, result != 0)
    }
}
