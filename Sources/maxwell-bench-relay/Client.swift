import CLinux
import COpenSSL
import Glibc
import RelayProtocol

/// How a viewer comes to the relay.
enum Way: String {
    /// TLS, and at once what it wants.
    case tls
    /// TLS, then CONNECT.
    case connect
    /// TLS, CONNECT, then RFB's handshake without a password.
    case connectRFB = "connect-rfb"
    /// TLS, then a WebSocket.
    case websocket
}

/// One viewer.
final class Client: Wire {
    private enum Stage: Equatable {
        case connecting, handshake, head
        case rfbVersion, rfbTypes, rfbResult, rfbInit
        case open, discarding, ended
    }

    let number: UInt32
    let way: Way
    private unowned let engine: Engine
    private let descriptor: Int32
    private let session: OpaquePointer
    private let token: String
    /// What it says as soon as it may.
    private var first: [UInt8]
    private var serial: UInt64 = 0
    private var stage = Stage.connecting
    private var gathered: [UInt8] = []
    private var unsent: [UInt8] = []
    private var writes = true
    /// The header of the frame being read, and how much of its payload is left.
    private var header: [UInt8] = []
    private var frameLeft = 0
    private var frameKind: UInt8 = 0

    /// Payload bytes so far.
    private(set) var received = 0
    /// Bytes of a stream of ciphertext that was thrown away unread.
    private(set) var discarded = 0
    private var enough = 0
    var isOpen: Bool { stage == .open || stage == .discarding }
    var hasEnded: Bool { stage == .ended }
    /// Whether the TLS session was resumed.
    var wasResumed: Bool { SSL_session_reused(session) == 1 }
    /// Called with each piece of payload.
    var onData: ((UnsafePointer<UInt8>, Int) -> Void)?
    /// Called when everything it had to say is said.
    var onSent: (() -> Void)?
    var onEnd: (() -> Void)?

    /// Connects to `port`; `first` is what it says there.
    init(
        _ engine: Engine, number: UInt32, way: Way, port: UInt16, token: String, resume: OpaquePointer? = nil,
        first: [UInt8]
    ) throws(BenchError) {
        self.engine = engine
        self.number = number
        self.way = way
        self.token = token
        self.first = first
        descriptor = socket(
            AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0, let session = SSL_new(engine.tls) else { throw BenchError("no descriptor is left") }
        self.session = session
        _ = clinux_tcp_option(descriptor, clinux_tcp_no_delay, 1)
        // From several addresses, as viewers come; the port is chosen when the other end is known (ip(7)).
        var on: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_IP), IP_BIND_ADDRESS_NO_PORT, &on, 4)
        _ = withLoopback(port: 0, host: UInt8(2 + number % 16)) { bind(descriptor, $0, $1) }
        let result = withLoopback(port: port, host: 1) { Glibc.connect(descriptor, $0, $1) }
        guard result == 0 || errno == EINPROGRESS else { throw BenchError("port \(port) refuses: \(errno)") }
        SSL_set_fd(session, descriptor)
        if let resume { SSL_set_session(session, resume) }
        SSL_set_connect_state(session)
        serial = engine.add(self, descriptor, writes: true)
    }

    /// Its TLS session, for another one to resume; the caller frees it.
    func takeSession() -> OpaquePointer? { SSL_get1_session(session) }

    /// Says `bytes`, framed where it is a WebSocket.
    func send(_ bytes: [UInt8]) {
        unsent += way == .websocket ? framed(bytes) : bytes
        flush()
    }

    /// From here on what comes is thrown away by the kernel, and only counted: until it is `enough`, and the viewer leaves.
    func discard(until enough: Int) {
        self.enough = enough
        stage = .discarding
    }

    /// Says goodbye, and is gone.
    func close() {
        guard stage != .ended else { return }
        stage = .ended
        _ = SSL_shutdown(session)
        ERR_clear_error()
        SSL_free(session)
        engine.forget(serial, descriptor)
    }

    func ready(_ events: UInt32) {
        switch stage {
        case .connecting:
            var failure: Int32 = 0
            var size = socklen_t(4)
            getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &failure, &size)
            guard failure == 0 else { return broke("is refused (\(failure))") }
            stage = .handshake
            handshake()
        case .handshake: handshake()
        case .discarding: throwAway()
        case .ended: break
        default:
            if !unsent.isEmpty { flush() }
            readAll()
        }
    }

    private func broke(_ how: String) {
        engine.faults.append("a viewer \(how), by \(way.rawValue)")
        over()
    }

    private func over() {
        let tell = onEnd
        close()
        tell?()
    }

    private func want(writes: Bool) {
        guard writes != self.writes else { return }
        self.writes = writes
        engine.change(serial, descriptor, writes: writes)
    }

    private func handshake() {
        let result = SSL_do_handshake(session)
        guard result == 1 else {
            switch SSL_get_error(session, result) {
            case SSL_ERROR_WANT_READ: want(writes: false)
            case SSL_ERROR_WANT_WRITE: want(writes: true)
            default: broke("fails in TLS")
            }
            ERR_clear_error()
            return
        }
        want(writes: false)
        switch way {
        case .tls:
            stage = .open
            unsent = first
        case .connect:
            stage = .head
            unsent = Array("CONNECT vncsession:\(token) HTTP/1.1\r\n\r\n".utf8) + first
        case .connectRFB:
            stage = .head
            unsent = Array("CONNECT vncsession:\(token) HTTP/1.1\r\n\r\n".utf8)
        case .websocket:
            stage = .head
            let target = "/websockify?token=\(token)"
            unsent = Array(
                """
                GET \(target) HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\
                Sec-WebSocket-Protocol: binary\r\n\r\n
                """.utf8)
        }
        flush()
    }

    private func flush() {
        while !unsent.isEmpty {
            let count = unsent.withUnsafeBytes { SSL_write(session, $0.baseAddress, Int32($0.count)) }
            guard count > 0 else {
                if SSL_get_error(session, count) == SSL_ERROR_WANT_WRITE {
                    want(writes: true)
                } else {
                    broke("cannot write")
                }
                ERR_clear_error()
                return
            }
            unsent.removeFirst(Int(count))
        }
        want(writes: false)
        onSent?()
    }

    private func readAll() {
        while stage != .ended, stage != .discarding {
            let count = SSL_read(session, engine.buffer, 64 * 1024)
            guard count > 0 else {
                let error = SSL_get_error(session, count)
                ERR_clear_error()
                if error == SSL_ERROR_WANT_READ { return }
                if error == SSL_ERROR_ZERO_RETURN {
                    over()
                } else {
                    broke("loses its connection")
                }
                return
            }
            heard(engine.buffer, Int(count))
        }
        if stage == .discarding { throwAway() }
    }

    /// MSG_TRUNC: the kernel throws the bytes away (tcp(7)).
    private func throwAway() {
        while true {
            let count = recv(descriptor, engine.buffer, 4 * 1024 * 1024, Int32(MSG_TRUNC))
            if count > 0 {
                discarded += count
                if discarded >= enough { return over() }
                continue
            }
            if count == 0 || errno != EAGAIN { over() }
            return
        }
    }

    private func heard(_ bytes: UnsafePointer<UInt8>, _ count: Int) {
        guard stage == .open else {
            gathered += UnsafeBufferPointer(start: bytes, count: count)
            opening()
            return
        }
        if way == .websocket {
            unframe(bytes, count)
        } else {
            payload(bytes, count)
        }
    }

    private func payload(_ bytes: UnsafePointer<UInt8>, _ count: Int) {
        received += count
        onData?(bytes, count)
    }

    private func opening() {
        while true {
            switch stage {
            case .head:
                guard let end = headEnd() else { return }
                let status = String(decoding: gathered.prefix(12).dropFirst(9), as: UTF8.self)
                guard status == "200" || status == "101" else { return broke("is answered \(status)") }
                gathered.removeFirst(end)
                stage = way == .connectRFB ? .rfbVersion : .open
            case .rfbVersion:
                guard take(12) != nil else { return }
                send(Array("RFB 003.008\n".utf8))
                stage = .rfbTypes
            case .rfbTypes:
                guard take(2) != nil else { return }
                send([1])
                stage = .rfbResult
            case .rfbResult:
                guard take(4) != nil else { return }
                send([1])
                stage = .rfbInit
            case .rfbInit:
                guard take(25) != nil else { return }
                stage = .open
            default:
                if way == .websocket || way == .connectRFB { send(first) }
                let rest = gathered
                gathered = []
                rest.withUnsafeBufferPointer { bytes in
                    if let base = bytes.baseAddress, bytes.count > 0 { heard(base, bytes.count) }
                }
                return
            }
        }
    }

    private func take(_ count: Int) -> [UInt8]? {
        guard gathered.count >= count else { return nil }
        let taken = Array(gathered.prefix(count))
        gathered.removeFirst(count)
        return taken
    }

    private func headEnd() -> Int? {
        guard gathered.count >= 4 else { return nil }
        for index in 0...(gathered.count - 4) where Array(gathered[index..<index + 4]) == [13, 10, 13, 10] {
            return index + 4
        }
        return nil
    }

    /// A client's frame, masked with a mask that changes something.
    private func framed(_ bytes: [UInt8]) -> [UInt8] {
        let mask: [UInt8] = [0x37, 0xFA, 0x21, 0x3D]
        var frame: [UInt8] = [0x80 | WebSocketFrame.binary]
        if bytes.count < 126 {
            frame.append(0x80 | UInt8(bytes.count))
        } else {
            precondition(bytes.count < 65_536)
            frame += [0x80 | 126, UInt8(bytes.count >> 8), UInt8(bytes.count & 255)]
        }
        frame += mask
        for (index, byte) in bytes.enumerated() { frame.append(byte ^ mask[index & 3]) }
        return frame
    }

    private func unframe(_ bytes: UnsafePointer<UInt8>, _ count: Int) {
        var position = 0
        while position < count, stage == .open {
            if frameLeft > 0 {
                let more = min(frameLeft, count - position)
                if frameKind <= 2 { payload(bytes + position, more) }
                frameLeft -= more
                position += more
                continue
            }
            header.append(bytes[position])
            position += 1
            guard header.count >= 2 else { continue }
            let extended = header[1] == 127 ? 8 : header[1] == 126 ? 2 : 0
            guard header.count == 2 + extended else { continue }
            frameKind = header[0] & 15
            frameLeft = extended == 0 ? Int(header[1]) : header[2...].reduce(0) { $0 << 8 | Int($1) }
            header = []
            if frameKind == WebSocketFrame.close { over() }
        }
    }
}
