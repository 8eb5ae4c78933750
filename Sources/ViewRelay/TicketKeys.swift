import COpenSSL

/// What session tickets are sealed with (SSL_CTX_set_tlsext_ticket_keys(3)): all contexts of a relay have the same, and
/// its successor too. Never written anywhere.
struct TicketKeys: Sendable {
    /// A name of 16 bytes, an HMAC key and an AES key of 32 each (OpenSSL 3).
    static let length = 80

    let bytes: [UInt8]

    /// New keys; nil when there is no randomness.
    init?() {
        var bytes = [UInt8](repeating: 0, count: TicketKeys.length)
        guard RAND_bytes(&bytes, Int32(TicketKeys.length)) == 1 else { return nil }
        self.bytes = bytes
    }

    /// A predecessor's keys; nil when they are not as long as keys are.
    init?(_ bytes: [UInt8]) {
        guard bytes.count == TicketKeys.length else { return nil }
        self.bytes = bytes
    }

    func use(in context: OpaquePointer) -> Bool {
        var copy = bytes
        return copenssl_ticket_keys(context, &copy, copy.count) == 1
    }
}
