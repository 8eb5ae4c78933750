import CLinux
import Glibc

/// A socket all loops accept from.
public struct ListeningSocket: Sendable {
    let descriptor: Int32
    /// `ADDR:PORT` as it was bound.
    public let address: String
    /// Whether who comes here is greeted in RFB at once.
    let greetsInRFB: Bool

    /// The sockets systemd passed (sd_listen_fds(3): from descriptor 3 on when LISTEN_PID is ours; those it calls `rfb`
    /// greet at once), or one bound to each of `addresses` and, for greeting at once, of `native`.
    public static func open(_ addresses: [String], native: [String]) throws(RelayStartError) -> [ListeningSocket] {
        if let pid = getenv("LISTEN_PID"), let count = getenv("LISTEN_FDS"), Int32(String(cString: pid)) == getpid(),
            let count = Int32(String(cString: count)), count >= 1
        {
            let names = getenv("LISTEN_FDNAMES").map { String(cString: $0).split(separator: ":") } ?? []
            return try (0..<count).map { index throws(RelayStartError) in
                let isNative = names.indices.contains(Int(index)) && names[Int(index)] == "rfb"
                return try adopt(3 + index, greetsInRFB: isNative)
            }
        }
        return try addresses.map { address throws(RelayStartError) in try bind(address, greetsInRFB: false) }
            + native.map { address throws(RelayStartError) in try bind(address, greetsInRFB: true) }
    }

    /// Takes a listening socket that was handed to this process.
    static func adopt(_ descriptor: Int32, greetsInRFB: Bool) throws(RelayStartError) -> ListeningSocket {
        makeNonBlocking(descriptor)
        // Told once: its connections inherit it (tcp(7)). An idle viewer's kernel proves its life, and boxes in between see
        // traffic. Who is dead is ProofOfLife's to say: TCP must not give up before, on probes or, with a
        // TCP_USER_TIMEOUT, on a viewer that reads nothing for a while.
        _ = clinux_tcp_option(descriptor, clinux_tcp_no_delay, 1)
        keepAlive(descriptor, idle: Loop.keepIdle, count: 20)
        return ListeningSocket(
            descriptor: descriptor, address: try boundAddress(descriptor), greetsInRFB: greetsInRFB)
    }

    private static func bind(_ text: String, greetsInRFB: Bool) throws(RelayStartError) -> ListeningSocket {
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
        return try adopt(descriptor, greetsInRFB: greetsInRFB)
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
