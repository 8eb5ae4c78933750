import CLinux
import COpenSSL
import Glibc

/// A viewer's connection: TCP, and TLS from the moment it is asked for. The loop's thread alone uses it.
final class Connection: Wire {
    /// How it came to its end.
    enum End: Equatable {
        /// The other side ended the stream in order.
        case ended
        /// It broke, for this reason.
        case broke(String)
    }

    private enum Stage { case connecting, clear, handshake, secret, ended }

    private unowned let engine: Engine
    private let descriptor: Int32
    private let host: String
    private var session: OpaquePointer?
    private var serial: UInt64 = 0
    private var stage = Stage.connecting
    private var unsent: [UInt8] = []
    private var reads = false
    private var writes = true
    /// Bytes a second that it reads; nil: what comes.
    private var pace: Int?

    /// The connection stands.
    var onConnected: (() -> Void)?
    /// TLS stands.
    var onSecured: (() -> Void)?
    /// What came, in clear or out of TLS.
    var onData: ((UnsafeRawBufferPointer) -> Void)?
    /// It came to its end by itself; it is closed.
    var onEnd: ((End) -> Void)?

    var hasEnded: Bool { stage == .ended }

    /// Connects to `address`, which certificates call `host`; `number` spreads viewers over addresses of their own. Nil
    /// with the system's reason in `reason`.
    init?(_ engine: Engine, to address: Address, host: String, number: Int, reason: inout String) {
        self.engine = engine
        self.host = host
        descriptor = socket(
            address.family, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue),
            0)
        guard descriptor >= 0 else {
            reason = String(cString: strerror(errno))
            return nil
        }
        _ = clinux_tcp_option(descriptor, clinux_tcp_no_delay, 1)
        if let source = address.source(number) {
            // The port is chosen when the other end is known (ip(7)).
            var on: Int32 = 1
            setsockopt(descriptor, Int32(IPPROTO_IP), IP_BIND_ADDRESS_NO_PORT, &on, socklen_t(MemoryLayout<Int32>.size))
            _ = source.with { bind(descriptor, $0, $1) }
        }
        let result = address.with { Glibc.connect(descriptor, $0, $1) }
        guard result == 0 || errno == EINPROGRESS else {
            reason = String(cString: strerror(errno))
            close(descriptor)
            return nil
        }
        serial = engine.add(self, descriptor, reads: false, writes: true)
    }

    /// Begins TLS; ``onSecured`` tells when it stands.
    func startTLS() {
        guard stage == .clear else { return }
        guard let session = SSL_new(engine.tls) else { return over(.broke("no memory for TLS")) }
        self.session = session
        stage = .handshake
        var scratch = in6_addr()
        if inet_pton(AF_INET, host, &scratch) == 1 || inet_pton(AF_INET6, host, &scratch) == 1 {
            X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(session), host)
        } else {
            _ = copenssl_server_name(session, host)
            SSL_set1_host(session, host)
        }
        SSL_set_fd(session, descriptor)
        SSL_set_connect_state(session)
        handshake()
    }

    /// Sends `bytes`, now or when there is room.
    func send(_ bytes: [UInt8]) {
        guard stage == .clear || stage == .secret else { return }
        unsent += bytes
        flush()
    }

    /// From now on it reads so many bytes a second.
    func slow(_ bytesPerSecond: Int) {
        guard stage == .secret, pace == nil else { return }
        pace = bytesPerSecond
        want(reads: false, writes: writes)
        readSlowly()
    }

    /// Says goodbye, and is gone; nothing is told.
    func leave() {
        if let session, stage == .secret {
            _ = SSL_shutdown(session)
            ERR_clear_error()
        }
        drop()
    }

    /// Is gone without a word: with a reset (tcp(7), SO_LINGER), or with a bare end of the stream. Nothing is told.
    func cut(resets: Bool) {
        guard stage != .ended else { return }
        if resets {
            var now = linger(l_onoff: 1, l_linger: 0)
            setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &now, socklen_t(MemoryLayout<linger>.size))
        }
        drop()
    }

    func ready(_ events: UInt32) {
        switch stage {
        case .connecting:
            var failure: Int32 = 0
            var size = socklen_t(MemoryLayout<Int32>.size)
            getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &failure, &size)
            guard failure == 0 else { return over(.broke(String(cString: strerror(failure)))) }
            stage = .clear
            want(reads: true, writes: false)
            onConnected?()
        case .clear:
            if !unsent.isEmpty { flush() }
            readClear()
        case .handshake: handshake()
        case .secret:
            if !unsent.isEmpty { flush() }
            // Nobody hears the end of a stream that is not read.
            if pace != nil, events & clinux_epoll_gone != 0 {
                pace = nil
                want(reads: true, writes: writes)
            }
            if pace == nil { readSecret() }
        case .ended: break
        }
    }

    private func drop() {
        guard stage != .ended else { return }
        stage = .ended
        if let session { SSL_free(session) }
        session = nil
        engine.forget(serial, descriptor)
        (onConnected, onSecured, onData) = (nil, nil, nil)
    }

    private func over(_ end: End) {
        guard stage != .ended else { return }
        let tell = onEnd
        drop()
        onEnd = nil
        tell?(end)
    }

    private func want(reads: Bool, writes: Bool) {
        guard stage != .ended, reads != self.reads || writes != self.writes else { return }
        (self.reads, self.writes) = (reads, writes)
        engine.change(serial, descriptor, reads: reads, writes: writes)
    }

    private func handshake() {
        guard let session else { return }
        ERR_clear_error()
        let result = SSL_do_handshake(session)
        guard result == 1 else {
            switch SSL_get_error(session, result) {
            case SSL_ERROR_WANT_READ: want(reads: true, writes: false)
            case SSL_ERROR_WANT_WRITE: want(reads: true, writes: true)
            case SSL_ERROR_SYSCALL: over(.broke("the connection ended within TLS's handshake"))
            default: over(.broke("TLS: " + opensslReason()))
            }
            return
        }
        stage = .secret
        want(reads: true, writes: false)
        onSecured?()
        // What came with the handshake's last record makes no event of its own.
        if stage == .secret, pace == nil { readSecret() }
    }

    private func flush() {
        while !unsent.isEmpty, stage != .ended {
            let count: Int
            if let session {
                ERR_clear_error()
                let written = unsent.withUnsafeBytes { SSL_write(session, $0.baseAddress, Int32(clamping: $0.count)) }
                if written <= 0 {
                    guard SSL_get_error(session, written) == SSL_ERROR_WANT_WRITE else {
                        return over(.broke("the connection was lost while something was sent"))
                    }
                    break
                }
                count = Int(written)
            } else {
                count = unsent.withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
                if count < 0 {
                    guard errno == EAGAIN || errno == EINTR else {
                        return over(.broke("the connection was lost while something was sent"))
                    }
                    break
                }
            }
            unsent.removeFirst(count)
        }
        want(reads: pace == nil, writes: !unsent.isEmpty)
    }

    private func readClear() {
        while stage == .clear {
            let count = recv(descriptor, engine.buffer.baseAddress, engine.buffer.count, 0)
            if count > 0 {
                onData?(UnsafeRawBufferPointer(rebasing: engine.buffer[..<count]))
            } else if count < 0, errno == EAGAIN || errno == EINTR {
                return
            } else {
                return over(count == 0 ? .ended : .broke(String(cString: strerror(errno))))
            }
        }
    }

    /// A few records at a time: others wait too.
    private func readSecret() {
        for _ in 0..<16 {
            guard stage == .secret, pace == nil, readOnce(engine.buffer.count) != nil else { return }
        }
    }

    /// How many bytes came, at most `limit`; nil: none now, or never again.
    private func readOnce(_ limit: Int) -> Int? {
        guard let session else { return nil }
        ERR_clear_error()
        let count = SSL_read(session, engine.buffer.baseAddress, Int32(clamping: limit))
        guard count > 0 else {
            switch SSL_get_error(session, count) {
            case SSL_ERROR_WANT_READ, SSL_ERROR_WANT_WRITE: break
            case SSL_ERROR_ZERO_RETURN: over(.ended)
            default: over(.broke("the connection was lost"))
            }
            return nil
        }
        onData?(UnsafeRawBufferPointer(rebasing: engine.buffer[..<Int(count)]))
        return Int(count)
    }

    private func readSlowly() {
        guard stage == .secret, let pace else { return }
        // What a viewer cannot take stays in its socket.
        let spell = 0.25
        var left = Int(Double(pace) * spell)
        while left > 0, stage == .secret, let count = readOnce(left) { left -= count }
        engine.after(spell) { [weak self] in self?.readSlowly() }
    }
}

private func opensslReason() -> String {
    let code = ERR_get_error()
    guard code != 0, let reason = ERR_reason_error_string(code) else { return "no reason given" }
    return String(cString: reason)
}
