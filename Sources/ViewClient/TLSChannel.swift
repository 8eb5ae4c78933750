import COpenSSL
import Glibc

/// TLS 1.2 or 1.3 over a TCP connection, the client's side.
final class TLSChannel: Channel {
    private let socket: Socket
    private let context: OpaquePointer
    private let session: OpaquePointer
    /// What the other side showed.
    let certificate: Certificate

    /// Does the handshake on `socket`, which belongs to this channel from then on.
    init(over socket: Socket, host: String, trust: Trust, by deadline: Deadline) throws(ViewError) {
        TLSChannel.ignoreBrokenPipes
        self.socket = socket
        guard let context = SSL_CTX_new(TLS_client_method()) else { throw .tls(opensslError()) }
        guard let session = SSL_new(context) else {
            SSL_CTX_free(context)
            throw .tls(opensslError())
        }
        do throws(ViewError) {
            try TLSChannel.expect(host, trust, context, session)
            SSL_set_fd(session, socket.descriptor)
            try TLSChannel.handshake(session, socket, by: deadline)
            certificate = try TLSChannel.peerCertificate(session)
        } catch {
            SSL_free(session)
            SSL_CTX_free(context)
            throw error
        }
        self.context = context
        self.session = session
    }

    deinit {
        SSL_free(session)
        SSL_CTX_free(context)
    }

    /// OpenSSL writes with write(2), which would end the process when the peer is gone; done once.
    private static let ignoreBrokenPipes: Void = {
        _ = signal(SIGPIPE, SIG_IGN)
    }()

    private static func expect(
        _ host: String, _ trust: Trust, _ context: OpaquePointer, _ session: OpaquePointer
    ) throws(ViewError) {
        var scratch = in6_addr()
        let isAddress = inet_pton(AF_INET, host, &scratch) == 1 || inet_pton(AF_INET6, host, &scratch) == 1
        if !isAddress {
            // SSL_set_tlsext_host_name is a macro around this.
            _ = host.withCString { name in
                SSL_ctrl(
                    session, SSL_CTRL_SET_TLSEXT_HOSTNAME, Int(TLSEXT_NAMETYPE_host_name),
                    UnsafeMutableRawPointer(mutating: name))
            }
        }
        guard case .authority(let file) = trust else { return }
        guard SSL_CTX_load_verify_locations(context, file, nil) == 1 else {
            throw .untrusted("the authority's file cannot be read: \(opensslError())")
        }
        SSL_set_verify(session, SSL_VERIFY_PEER, nil)
        let named =
            isAddress
            ? X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(session), host) : SSL_set1_host(session, host)
        guard named == 1 else { throw .tls(opensslError()) }
    }

    private static func handshake(
        _ session: OpaquePointer, _ socket: Socket, by deadline: Deadline
    ) throws(ViewError) {
        while true {
            ERR_clear_error()
            let result = SSL_connect(session)
            if result == 1 { return }
            switch SSL_get_error(session, result) {
            case SSL_ERROR_WANT_READ: try socket.wait(for: POLLIN, "the TLS handshake", by: deadline)
            case SSL_ERROR_WANT_WRITE: try socket.wait(for: POLLOUT, "the TLS handshake", by: deadline)
            case SSL_ERROR_SYSCALL: throw .closed(waitingFor: "the TLS handshake")
            default:
                let verdict = SSL_get_verify_result(session)
                guard verdict == Int(X509_V_OK) || SSL_get_verify_mode(session) == SSL_VERIFY_NONE else {
                    throw .untrusted(String(cString: X509_verify_cert_error_string(verdict)))
                }
                throw .tls(opensslError())
            }
        }
    }

    private static func peerCertificate(_ session: OpaquePointer) throws(ViewError) -> Certificate {
        guard let found = SSL_get1_peer_certificate(session) else { throw .tls("no certificate") }
        defer { X509_free(found) }
        return Certificate(
            subject: oneLine(X509_get_subject_name(found)), issuer: oneLine(X509_get_issuer_name(found)))
    }

    private static func oneLine(_ name: OpaquePointer?) -> String {
        var text = [CChar](repeating: 0, count: 512)
        guard X509_NAME_oneline(name, &text, Int32(text.count)) != nil else { return "" }
        return text.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } ?? "" }
    }

    func receive(upTo limit: Int, _ what: String, by deadline: Deadline) throws(ViewError) -> [UInt8] {
        while true {
            guard socket.descriptor >= 0 else { throw .closed(waitingFor: what) }
            ERR_clear_error()
            var result: Int32 = 0
            let bytes = [UInt8](unsafeUninitializedCapacity: limit) { buffer, initialized in
                result = SSL_read(session, buffer.baseAddress, Int32(clamping: limit))
                initialized = Int(max(0, result))
            }
            if result > 0 { return bytes }
            switch SSL_get_error(session, result) {
            case SSL_ERROR_WANT_READ: try socket.wait(for: POLLIN, what, by: deadline)
            case SSL_ERROR_WANT_WRITE: try socket.wait(for: POLLOUT, what, by: deadline)
            case SSL_ERROR_ZERO_RETURN: return []
            default: throw .closed(waitingFor: what)
            }
        }
    }

    func send(_ bytes: [UInt8], by deadline: Deadline) throws(ViewError) {
        var sent = 0
        while sent < bytes.count {
            guard socket.descriptor >= 0 else { throw .closed(waitingFor: "room to send") }
            ERR_clear_error()
            // A write that has to be repeated is repeated with the same bytes at the same place, as OpenSSL asks.
            let result = bytes.withUnsafeBytes { buffer in
                SSL_write(session, buffer.baseAddress.map { $0 + sent }, Int32(clamping: buffer.count - sent))
            }
            if result > 0 {
                sent += Int(result)
                continue
            }
            switch SSL_get_error(session, result) {
            case SSL_ERROR_WANT_READ: try socket.wait(for: POLLIN, "room to send", by: deadline)
            case SSL_ERROR_WANT_WRITE: try socket.wait(for: POLLOUT, "room to send", by: deadline)
            default: throw .closed(waitingFor: "room to send")
            }
        }
    }

    func close() {
        guard socket.descriptor >= 0 else { return }
        ERR_clear_error()
        SSL_shutdown(session)
        socket.close()
    }

    func abandon() { socket.close() }
}

private func opensslError() -> String {
    let code = ERR_get_error()
    guard code != 0 else { return "no reason given" }
    var text = [CChar](repeating: 0, count: 256)
    ERR_error_string_n(code, &text, text.count)
    return text.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } ?? "" }
}
