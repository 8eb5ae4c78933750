import CLinux
import COpenSSL
import Glibc

/// What an event of epoll(7) is for.
protocol Wire: AnyObject {
    func ready(_ events: UInt32)
}

/// The load's one epoll loop, on one thread: clients before the relay, and the programs behind it.
final class Engine {
    let tls: OpaquePointer
    let down = Pattern(isKeys: false)
    let up = Pattern(isKeys: true)
    /// Where everyone reads into.
    let buffer = UnsafeMutablePointer<UInt8>.allocate(capacity: 256 * 1024)
    /// The programs that send updates, by their client's number.
    var updaters: [UInt32: Program] = [:]
    /// Programs that heard their whole pattern.
    var verifiedUp = 0
    /// Clients and programs that found wrong bytes or broke.
    var faults: [String] = []

    private let poll = epoll_create1(Int32(EPOLL_CLOEXEC))
    private var wires: [UInt64: any Wire] = [:]
    private var lastSerial: UInt64 = 0
    private let answers = UnsafeMutablePointer<epoll_event>.allocate(capacity: 512)

    /// With programs at `back`, and such that greet in RFB at `rfb`.
    init(back: UInt16, rfb: UInt16) throws(BenchError) {
        guard let tls = SSL_CTX_new(TLS_client_method()) else { throw BenchError("no TLS") }
        self.tls = tls
        _ = copenssl_min_version(tls, TLS1_3_VERSION)
        SSL_CTX_set_ciphersuites(tls, "TLS_AES_128_GCM_SHA256")
        _ = copenssl_groups(tls, "X25519")
        _ = copenssl_set_mode(
            tls,
            Int(SSL_MODE_RELEASE_BUFFERS) | Int(SSL_MODE_ENABLE_PARTIAL_WRITE)
                | Int(SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER))
        SSL_CTX_set_options(tls, copenssl_op_ignore_unexpected_eof)
        _ = try Door(self, port: back, greets: false)
        _ = try Door(self, port: rfb, greets: true)
    }

    /// Registers `wire` for what it reads; it is kept until ``forget(_:_:)``.
    func add(_ wire: any Wire, _ descriptor: Int32, writes: Bool = false) -> UInt64 {
        lastSerial += 1
        wires[lastSerial] = wire
        _ = clinux_epoll_control(poll, EPOLL_CTL_ADD, descriptor, interest(writes), lastSerial)
        return lastSerial
    }

    func change(_ serial: UInt64, _ descriptor: Int32, writes: Bool) {
        _ = clinux_epoll_control(poll, EPOLL_CTL_MOD, descriptor, interest(writes), serial)
    }

    func forget(_ serial: UInt64, _ descriptor: Int32) {
        wires[serial] = nil
        close(descriptor)
    }

    private func interest(_ writes: Bool) -> UInt32 { clinux_epoll_in | (writes ? clinux_epoll_out : 0) }

    /// Every viewer leaves, and what went wrong is forgotten.
    func abandon() {
        for one in wires.values.compactMap({ $0 as? Client }) { one.close() }
        run(seconds: 0.3)
        faults = []
    }

    /// Serves what is ready; waits at most `milliseconds` for it.
    func turn(_ milliseconds: Int32) {
        let count = epoll_wait(poll, answers, 512, milliseconds)
        for index in 0..<max(count, 0) {
            wires[clinux_epoll_data(answers, index)]?.ready(clinux_epoll_events(answers, index))
        }
    }

    /// Serves until `isDone`; gives up after `seconds`.
    func run(_ what: String, seconds: Double, until isDone: () -> Bool) throws(BenchError) {
        let end = monotonicSeconds() + seconds
        while !isDone() {
            turn(20)
            if let fault = faults.first { throw BenchError(fault) }
            guard monotonicSeconds() < end else { throw BenchError("never: \(what)") }
        }
    }

    /// Serves for `seconds`.
    func run(seconds: Double) {
        let end = monotonicSeconds() + seconds
        while monotonicSeconds() < end { turn(10) }
    }
}

/// Why there are no figures.
struct BenchError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

/// A listening socket of the programs behind the relay.
private final class Door: Wire {
    private unowned let engine: Engine
    private let descriptor: Int32
    private let greets: Bool

    init(_ engine: Engine, port: UInt16, greets: Bool) throws(BenchError) {
        self.engine = engine
        self.greets = greets
        descriptor = socket(
            AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var on: Int32 = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, 4)
        let isBound = withLoopback(port: port, host: 1) { bind(descriptor, $0, $1) == 0 }
        guard isBound, listen(descriptor, 4096) == 0 else { throw BenchError("port \(port) cannot be used") }
        _ = engine.add(self, descriptor)
    }

    func ready(_ events: UInt32) {
        for _ in 0..<64 {
            let peer = accept(descriptor, nil, nil)
            guard peer >= 0 else { return }
            _ = fcntl(peer, F_SETFL, O_NONBLOCK)
            _ = fcntl(peer, F_SETFD, FD_CLOEXEC)
            _ = clinux_tcp_option(peer, clinux_tcp_no_delay, 1)
            Program(engine, peer, greets: greets).begin()
        }
    }
}

/// Calls `body` with 127.0.0.`host` and `port`.
func withLoopback<Result>(
    port: UInt16, host: UInt8, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result
) -> Result {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = (0x7F00_0000 | UInt32(host)).bigEndian
    return withUnsafePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
        }
    }
}
