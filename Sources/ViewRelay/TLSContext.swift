import COpenSSL
import Glibc

/// A certificate pair ready for handshakes, shared by the loops. A session keeps OpenSSL's object alive by itself, so a
/// pair may be replaced while sessions of the old one live.
final class TLSContext: Sendable {
    /// SSL_CTX counts its references by atomics and is not changed once it is made.
    nonisolated(unsafe) let context: OpaquePointer
    /// When its certificate ends, in days from now, rounded down; 0 once it has.
    var daysLeft: Int {
        var days: Int32 = 0
        var seconds: Int32 = 0
        guard let certificate = SSL_CTX_get0_certificate(context), let end = X509_get0_notAfter(certificate),
            ASN1_TIME_diff(&days, &seconds, nil, end) == 1
        else { return 0 }
        return max(0, Int(days))
    }

    /// Loads `pair`; tickets are sealed with `ticketKeys`, so that who came to one context, loop or life of the relay
    /// resumes with another.
    init(
        _ pair: RelayConfiguration.Pair, _ configuration: RelayConfiguration, ticketKeys: TicketKeys
    ) throws(RelayStartError) {
        guard let context = SSL_CTX_new(TLS_server_method()) else { throw TLSContext.failed("TLS", "no context") }
        self.context = context
        _ = copenssl_min_version(context, configuration.onlyTLS13 ? TLS1_3_VERSION : TLS1_2_VERSION)
        SSL_CTX_set_options(
            context,
            copenssl_op_no_renegotiation | copenssl_op_no_compression | copenssl_op_ignore_unexpected_eof
                | copenssl_op_cipher_server_preference)
        // An idle session holds no buffers; one ticket, no cache (measured).
        _ = copenssl_set_mode(
            context,
            Int(SSL_MODE_RELEASE_BUFFERS) | Int(SSL_MODE_ENABLE_PARTIAL_WRITE)
                | Int(SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER))
        _ = copenssl_cache_off(context)
        SSL_CTX_set_num_tickets(context, 1)
        guard ticketKeys.use(in: context) else { throw TLSContext.failed("ticket keys", "") }
        SSL_CTX_set_alpn_select_cb(context, TLSContext.chooseHTTP, nil)
        guard SSL_CTX_set_cipher_list(context, configuration.ciphers) == 1 else {
            throw TLSContext.failed("ciphers", configuration.ciphers)
        }
        guard SSL_CTX_set_ciphersuites(context, configuration.cipherSuites) == 1 else {
            throw TLSContext.failed("cipher_suites", configuration.cipherSuites)
        }
        guard SSL_CTX_use_certificate_chain_file(context, pair.certificate) == 1 else {
            throw TLSContext.failed("certificate", pair.certificate)
        }
        guard SSL_CTX_use_PrivateKey_file(context, pair.key, SSL_FILETYPE_PEM) == 1 else {
            throw TLSContext.failed("key", pair.key)
        }
        guard SSL_CTX_check_private_key(context) == 1 else {
            throw TLSContext.failed("key", "\(pair.key) is not the key of \(pair.certificate)")
        }
    }

    deinit { SSL_CTX_free(context) }

    /// RFC 7301 §3.2: `http/1.1` where it is offered; a client that offers other protocols alone is left to find out.
    private static let chooseHTTP: SSL_CTX_alpn_select_cb_func = { _, chosen, length, offered, count, _ in
        guard let chosen, let length, var place = offered else { return SSL_TLSEXT_ERR_NOACK }
        let end = place + Int(count)
        while place < end {
            let size = Int(place[0])
            guard size > 0, place + size < end else { break }
            if size == 8, memcmp(place + 1, "http/1.1", 8) == 0 {
                (chosen.pointee, length.pointee) = (place + 1, 8)
                return SSL_TLSEXT_ERR_OK
            }
            place += 1 + size
        }
        return SSL_TLSEXT_ERR_NOACK
    }

    private static func failed(_ what: String, _ which: String) -> RelayStartError {
        var text = [CChar](repeating: 0, count: 256)
        ERR_error_string_n(ERR_get_error(), &text, text.count)
        ERR_clear_error()
        let reason = text.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } ?? "" }
        return RelayStartError(description: "\(what) \(which): \(reason)")
    }
}
