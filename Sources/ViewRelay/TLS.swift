import COpenSSL
import Glibc

/// The loop's shared memory for ciphertext: what the last recv(2) brought, and what the next send(2) takes.
struct CipherScratch {
    var input: UnsafePointer<UInt8>?
    var inputLeft = 0
    let output: UnsafeMutablePointer<UInt8>
    let outputRoom: Int
    var outputCount = 0

    /// Puts `bytes` before the output, which has room for them: they were output once.
    mutating func putFirst(_ bytes: [UInt8]) {
        memmove(output + bytes.count, output, outputCount)
        memcpy(output, bytes, bytes.count)
        outputCount += bytes.count
    }

    /// Memory for one loop; it lives as long as the process.
    static func make(outputRoom: Int) -> UnsafeMutablePointer<CipherScratch> {
        let scratch = UnsafeMutablePointer<CipherScratch>.allocate(capacity: 1)
        scratch.initialize(to: CipherScratch(output: .allocate(capacity: outputRoom), outputRoom: outputRoom))
        return scratch
    }
}

/// One BIO per loop: its read side hands out the scratch's input, its write side appends to the scratch's output.
struct TLSChannel {
    let bio: OpaquePointer
    let scratch: UnsafeMutablePointer<CipherScratch>

    /// A channel over `scratch`; nil when memory is out.
    init?(_ scratch: UnsafeMutablePointer<CipherScratch>) {
        guard let method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "relay scratch") else { return nil }
        BIO_meth_set_read(method) { bio, into, room in
            guard let bio, let into, let data = BIO_get_data(bio) else { return -1 }
            copenssl_clear_retry(bio)
            let scratch = data.assumingMemoryBound(to: CipherScratch.self)
            guard let input = scratch.pointee.input, scratch.pointee.inputLeft > 0, room > 0 else {
                copenssl_retry_read(bio)
                return -1
            }
            let count = min(Int(room), scratch.pointee.inputLeft)
            memcpy(into, input, count)
            scratch.pointee.input = input + count
            scratch.pointee.inputLeft -= count
            return Int32(count)
        }
        BIO_meth_set_write(method) { bio, from, count in
            guard let bio, let from, let data = BIO_get_data(bio) else { return -1 }
            copenssl_clear_retry(bio)
            let scratch = data.assumingMemoryBound(to: CipherScratch.self)
            guard scratch.pointee.outputRoom - scratch.pointee.outputCount >= Int(count) else {
                copenssl_retry_write(bio)
                return -1
            }
            memcpy(scratch.pointee.output + scratch.pointee.outputCount, from, Int(count))
            scratch.pointee.outputCount += Int(count)
            return count
        }
        BIO_meth_set_ctrl(method) { _, command, _, _ in command == BIO_CTRL_FLUSH ? 1 : 0 }
        guard let bio = BIO_new(method) else { return nil }
        BIO_set_data(bio, scratch)
        BIO_set_init(bio, 1)
        self.bio = bio
        self.scratch = scratch
    }

    /// A session that speaks through this channel; nil when memory is out.
    func session(_ context: TLSContext) -> TLSSession? {
        guard let ssl = ConnectionPages.beside(nil, { SSL_new(context.context) }) else { return nil }
        _ = BIO_up_ref(bio)
        SSL_set_bio(ssl, bio, bio)
        SSL_set_accept_state(ssl)
        return TLSSession(ssl: ssl)
    }
}

/// The seam to the TLS engine: a handshake, opening a batch, sealing a batch. Each call uses the loop's scratch, whose
/// output must be sent before another session's call.
struct TLSSession {
    enum Handshake { case done, wantMore, failed }
    enum Opened: Equatable { case bytes(Int), wantMore, closed, failed }

    let ssl: OpaquePointer

    func handshake() -> Handshake {
        let result = ConnectionPages.beside(ssl) { SSL_do_handshake(ssl) }
        if result == 1 { return .done }
        if SSL_get_error(ssl, result) == SSL_ERROR_WANT_READ { return .wantMore }
        ERR_clear_error()
        return .failed
    }

    func open(into plain: UnsafeMutablePointer<UInt8>, room: Int) -> Opened {
        let count = SSL_read(ssl, plain, Int32(min(room, Int(Int32.max))))
        if count > 0 { return .bytes(Int(count)) }
        switch SSL_get_error(ssl, count) {
        case SSL_ERROR_WANT_READ: return .wantMore
        case SSL_ERROR_ZERO_RETURN: return .closed
        default:
            ERR_clear_error()
            return .failed
        }
    }

    /// Whether the next byte that comes is a record's first.
    var isBetweenRecords: Bool {
        SSL_has_pending(ssl) == 0 && SSL_rstate_string(ssl).map { String(cString: $0) != "RB" } ?? true
    }

    func seal(_ plain: UnsafePointer<UInt8>, _ count: Int) -> Bool {
        var done = 0
        while done < count {
            let written = SSL_write(ssl, plain + done, Int32(min(count - done, Int(Int32.max))))
            guard written > 0 else {
                ERR_clear_error()
                return false
            }
            done += Int(written)
        }
        return true
    }

    /// Says that nothing more comes from us. Said once: a second SSL_shutdown(3) would read, from whatever the scratch has.
    func closeNotify() {
        guard SSL_get_shutdown(ssl) & SSL_SENT_SHUTDOWN == 0 else { return }
        _ = SSL_shutdown(ssl)
        ERR_clear_error()
    }

    func free() { SSL_free(ssl) }
}
