import Glibc
import SessionModel
import Synchronization

/// Where a relay listens, as the kernel has it.
struct Address: Sendable, Equatable {
    /// A sockaddr of its family.
    let bytes: [UInt8]
    let family: Int32

    /// The first address of `host` where somebody listens, else its first; nil with the system's reason in `reason`. Blocks.
    init?(host: String, port: Int, reason: inout String) {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        hints.ai_flags = AI_NUMERICSERV
        var found: UnsafeMutablePointer<addrinfo>?
        let failure = getaddrinfo(host, String(port), &hints, &found)
        guard failure == 0 else {
            reason = String(cString: gai_strerror(failure))
            return nil
        }
        defer { freeaddrinfo(found) }
        var all: [Address] = []
        var next = found
        while let one = next?.pointee {
            if let address = one.ai_addr {
                all.append(
                    Address(
                        bytes: Array(UnsafeRawBufferPointer(start: address, count: Int(one.ai_addrlen))),
                        family: one.ai_family))
            }
            next = one.ai_next
        }
        guard let chosen = all.count < 2 ? all.first : all.first(where: \.listens) ?? all.first else {
            reason = "it has no address"
            return nil
        }
        self = chosen
    }

    /// Whether somebody answers there within two seconds.
    private var listens: Bool {
        let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        let descriptor = socket(family, kind, 0)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        let began = with { connect(descriptor, $0, $1) == 0 || errno == EINPROGRESS } ?? false
        var state = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        var fault: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        return began && poll(&state, 1, 2000) == 1
            && getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &fault, &length) == 0 && fault == 0
    }

    /// Calls `body` with the address.
    func with<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result? {
        bytes.withUnsafeBytes { raw in
            raw.baseAddress.map { body($0.assumingMemoryBound(to: sockaddr.self), socklen_t(raw.count)) }
        }
    }

    /// The address that viewer `number` comes from where it can choose: on loopback viewers come from many, as they do
    /// from outside. Nil: the kernel chooses.
    func source(_ number: Int) -> Address? {
        // struct sockaddr_in: family, port, address (ip(7)).
        guard family == AF_INET, bytes.count >= 8, bytes[4] == 127 else { return nil }
        var other = bytes
        (other[2], other[3]) = (0, 0)
        (other[5], other[6], other[7]) = (0, 1, UInt8(1 + number % 250))
        return Address(bytes: other, family: family)
    }

    private init(bytes: [UInt8], family: Int32) {
        self.bytes = bytes
        self.family = family
    }
}

/// Addresses that were looked up once.
final class AddressBook: Sendable {
    private let relay: (host: String, port: Int)?
    private let known = Mutex<[String: Address]>([:])

    /// Viewers go to `relay`; nil: where they are told.
    init(relay: (host: String, port: Int)? = nil) { self.relay = relay }

    /// Where a view is, told as `host` with a port for viewers and one for browsers. Blocks where the host is new.
    func door(
        _ host: String, _ port: Int, browserPort: Int, token: Secret, password: Secret?
    ) throws(WordFailure) -> Door {
        let host = relay?.host ?? host
        return Door(
            host: host, address: try address(host, relay?.port ?? port),
            browserAddress: try address(host, relay?.port ?? browserPort), token: token, password: password)
    }

    private func address(_ host: String, _ port: Int) throws(WordFailure) -> Address {
        let name = "\(host):\(port)"
        if let address = known.withLock({ $0[name] }) { return address }
        var reason = ""
        guard let address = Address(host: host, port: port, reason: &reason) else {
            throw WordFailure(
                kind: "the gateway's address is not known", example: "\(host): \(reason)", isPassing: false)
        }
        known.withLock { $0[name] = address }
        return address
    }
}
