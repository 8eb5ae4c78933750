import CLDAP
import Glibc
import SessionModel

/// What a server or the way to it answered other than success.
struct ServerFailure: Error {
    /// A result code of RFC 4511 §4.1.9, or a negative one of libldap's own.
    let code: Int32
    /// For the log: which server, doing what, and both texts of libldap.
    let text: String

    /// Whether another server, or a new connection to the same, may do better.
    var isOfTheWay: Bool {
        switch code {
        case LDAP_SERVER_DOWN, LDAP_TIMEOUT, LDAP_CONNECT_ERROR, LDAP_LOCAL_ERROR, LDAP_DECODING_ERROR,
            LDAP_ENCODING_ERROR, LDAP_UNAVAILABLE, LDAP_BUSY, LDAP_OTHER, LDAP_OPERATIONS_ERROR, LDAP_PROTOCOL_ERROR,
            LDAP_TIMELIMIT_EXCEEDED, LDAP_USER_CANCELLED:
            true
        default: false
        }
    }
}

/// One connection to one server, encrypted where the settings say so. Used by one thread at a time, which also closes
/// it. Blocks, for as long as each call is given.
final class Connection {
    private let handle: OpaquePointer
    private let scissors: Scissors
    private let uri: String
    /// Whether a password may pass: TLS, or a socket of this machine.
    let isPrivate: Bool

    /// Prepares a connection, and makes it when it starts with StartTLS, in less than `time`; else the first call does.
    init(uri: String, settings: DirectorySettings, time: Duration) throws(ServerFailure) {
        self.uri = uri
        var made: OpaquePointer?
        let result = ldap_initialize(&made, uri)
        guard result == LDAP_SUCCESS, let made else {
            throw ServerFailure(code: result, text: "\(uri): \(String(cString: ldap_err2string(result)))")
        }
        handle = made
        scissors = Scissors(made)
        let isEncrypted = uri.hasPrefix("ldaps:") || (uri.hasPrefix("ldap:") && settings.startTLS)
        isPrivate = isEncrypted || uri.hasPrefix("ldapi:")
        var version = LDAP_VERSION3
        ldap_set_option(handle, LDAP_OPT_PROTOCOL_VERSION, &version)
        ldap_set_option(handle, LDAP_OPT_REFERRALS, maxwell_ldap_off())
        allow(time)
        if isEncrypted {
            var demand = LDAP_OPT_X_TLS_DEMAND
            var oldest = maxwell_ldap_tls1_2
            var client: Int32 = 0
            try require("set up TLS", ldap_set_option(handle, LDAP_OPT_X_TLS_REQUIRE_CERT, &demand))
            try require("set up TLS", ldap_set_option(handle, LDAP_OPT_X_TLS_CACERTFILE, settings.caFile))
            try require("set up TLS", ldap_set_option(handle, LDAP_OPT_X_TLS_PROTOCOL_MIN, &oldest))
            let context = ldap_set_option(handle, LDAP_OPT_X_TLS_NEWCTX, &client)
            guard context == LDAP_OPT_SUCCESS else {
                throw ServerFailure(code: LDAP_PARAM_ERROR, text: "\(settings.caFile) has no certificate to trust")
            }
        }
        if uri.hasPrefix("ldap:"), settings.startTLS {
            try require("StartTLS", scissors.limit(time) { ldap_start_tls_s(handle, nil, nil) })
        }
    }

    deinit {
        // Unbinding writes: to a server that may be gone or stopped, on whatever thread lets go last.
        _ = withoutBrokenPipes { scissors.limit(.seconds(1)) { ldap_unbind_ext_s(handle, nil, nil) } }
    }

    /// Says who asks (RFC 4513 §5.1.3); the caller has looked at ``isPrivate`` and that `password` is not empty.
    func bind(dn: String, password: Secret, time: Duration) throws(ServerFailure) {
        allow(time)
        var bytes = Array(password.exposed.utf8CString)
        let length = bytes.count - 1
        let result = bytes.withUnsafeMutableBufferPointer { buffer in
            var credentials = berval(bv_len: ber_len_t(length), bv_val: buffer.baseAddress)
            let result = scissors.limit(time) { ldap_sasl_bind_s(handle, dn, nil, &credentials, nil, nil, nil) }
            if let start = buffer.baseAddress { explicit_bzero(start, buffer.count) }
            return result
        }
        try require("bind as \(dn)", result)
    }

    /// The entries of `base` that `filter` finds, `limit` at most.
    func search(
        _ base: String, _ filter: String, _ attributes: [String], limit: Int32, time: Duration
    ) throws(ServerFailure) -> [Entry] {
        allow(time)
        var names: [UnsafeMutablePointer<CChar>?] = attributes.map { strdup($0) } + [nil]
        defer { names.forEach { free($0) } }
        var wait = timeval(time)
        var answer: OpaquePointer?
        defer { ldap_msgfree(answer) }
        let result = scissors.limit(time) {
            ldap_search_ext_s(
                handle, base, ber_int_t(LDAP_SCOPE_SUBTREE), filter, &names, 0, nil, nil, &wait, limit, &answer)
        }
        if result != LDAP_SIZELIMIT_EXCEEDED { try require("search \(base)", result) }
        var entries: [Entry] = []
        var next = ldap_first_entry(handle, answer)
        while let entry = next {
            entries.append(read(entry, attributes))
            next = ldap_next_entry(handle, entry)
        }
        return entries
    }

    private func read(_ entry: OpaquePointer, _ attributes: [String]) -> Entry {
        let dn = ldap_get_dn(handle, entry)
        defer { ldap_memfree(dn) }
        var values: [String: [String]] = [:]
        for attribute in attributes {
            guard let found = ldap_get_values_len(handle, entry, attribute) else { continue }
            defer { ldap_value_free_len(found) }
            values[attribute.lowercased()] = (0..<Int(ldap_count_values_len(found))).compactMap { index in
                guard let value = found[index]?.pointee else { return nil }
                let bytes = UnsafeRawBufferPointer(start: value.bv_val, count: Int(value.bv_len))
                return String(validating: bytes, as: UTF8.self)
            }
        }
        return Entry(dn: dn.map { String(cString: $0) } ?? "", values: values)
    }

    /// From now on waits at most `time` for the network (ldap_set_option(3): NETWORK_TIMEOUT is connecting and the
    /// TLS handshake, TIMEOUT every synchronous call).
    private func allow(_ time: Duration) {
        var wait = timeval(time)
        ldap_set_option(handle, LDAP_OPT_NETWORK_TIMEOUT, &wait)
        ldap_set_option(handle, LDAP_OPT_TIMEOUT, &wait)
    }

    private func require(_ doing: String, _ result: Int32) throws(ServerFailure) {
        guard result != LDAP_SUCCESS else { return }
        var text = "\(uri): \(doing): \(String(cString: ldap_err2string(result)))"
        var detail: UnsafeMutablePointer<CChar>?
        ldap_get_option(handle, LDAP_OPT_DIAGNOSTIC_MESSAGE, &detail)
        if let detail {
            if detail.pointee != 0 { text += " (\(String(cString: detail)))" }
            ldap_memfree(detail)
        }
        throw ServerFailure(code: result, text: text)
    }
}

extension timeval {
    /// At least a millisecond: nothing would mean no limit.
    fileprivate init(_ time: Duration) {
        let (seconds, attoseconds) = max(time, .milliseconds(1)).components
        self.init(tv_sec: Int(seconds), tv_usec: suseconds_t(attoseconds / 1_000_000_000_000))
    }
}
