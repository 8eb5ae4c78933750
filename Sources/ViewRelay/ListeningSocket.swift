import CLinux
import Glibc

/// A socket all loops accept from.
public struct ListeningSocket: Sendable {
    let descriptor: Int32
    /// `ADDR:PORT` as it was bound.
    public let address: String

    /// The sockets systemd passed (sd_listen_fds(3): from descriptor 3 on when LISTEN_PID is ours), or one bound to each
    /// of `addresses`.
    public static func open(_ addresses: [String]) throws(RelayStartError) -> [ListeningSocket] {
        if let pid = getenv("LISTEN_PID"), let count = getenv("LISTEN_FDS"), Int32(String(cString: pid)) == getpid(),
            let count = Int32(String(cString: count)), count >= 1
        {
            return try (3..<3 + count).map { descriptor throws(RelayStartError) in try adopt(descriptor) }
        }
        return try addresses.map { address throws(RelayStartError) in try bind(address) }
    }

    private static func adopt(_ descriptor: Int32) throws(RelayStartError) -> ListeningSocket {
        makeNonBlocking(descriptor)
        return ListeningSocket(descriptor: descriptor, address: try boundAddress(descriptor))
    }

    private static func bind(_ text: String) throws(RelayStartError) -> ListeningSocket {
        guard let colon = text.lastIndex(of: ":"), UInt16(text[text.index(after: colon)...]) != nil else {
            throw RelayStartError(description: "listen \(text): expected ADDR:PORT")
        }
        var host = String(text[..<colon])
        if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
        var hints = addrinfo()
        hints.ai_flags = AI_PASSIVE | AI_NUMERICHOST
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var found: UnsafeMutablePointer<addrinfo>?
        let failure = getaddrinfo(host.isEmpty ? "::" : host, String(text[text.index(after: colon)...]), &hints, &found)
        guard failure == 0, let first = found else {
            throw RelayStartError(description: "listen \(text): \(String(cString: gai_strerror(failure)))")
        }
        defer { freeaddrinfo(found) }
        let descriptor = socket(
            first.pointee.ai_family, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw failed("socket", text) }
        var on: Int32 = 1
        var off: Int32 = 0
        let size = socklen_t(MemoryLayout<Int32>.size)
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, size)
        if first.pointee.ai_family == AF_INET6 {
            setsockopt(descriptor, Int32(IPPROTO_IPV6), IPV6_V6ONLY, &off, size)
        }
        guard Glibc.bind(descriptor, first.pointee.ai_addr, first.pointee.ai_addrlen) == 0 else {
            throw failed("bind", text)
        }
        guard Glibc.listen(descriptor, 4096) == 0 else { throw failed("listen", text) }
        return try adopt(descriptor)
    }

    private static func failed(_ call: String, _ text: String) -> RelayStartError {
        RelayStartError(description: "\(call) \(text): \(String(cString: strerror(errno)))")
    }

    private static func boundAddress(_ descriptor: Int32) throws(RelayStartError) -> String {
        guard let own = PeerAddress.own(of: descriptor) else { throw failed("getsockname", "descriptor") }
        return own.host.contains(":") ? "[\(own.host)]:\(own.port)" : "\(own.host):\(own.port)"
    }
}

func makeNonBlocking(_ descriptor: Int32) {
    _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
    _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
}
