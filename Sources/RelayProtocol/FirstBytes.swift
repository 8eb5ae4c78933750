/// What a connection turns out to be by its first bytes.
public enum FirstBytes: Equatable, Sendable {
    /// Too few to tell.
    case undecided
    /// A TLS handshake record (RFC 8446 §5.1: type 22, legacy version 3.x).
    case tls
    /// The method of an HTTP request.
    case http
    /// Nothing we speak.
    case unknown

    /// Tells by `bytes`, everything received so far.
    public init(_ bytes: [UInt8]) {
        guard let first = bytes.first else {
            self = .undecided
            return
        }
        if first == 22 {
            guard bytes.count > 1 else {
                self = .undecided
                return
            }
            self = bytes[1] == 3 ? .tls : .unknown
            return
        }
        for method in FirstBytes.methods where method[0] == first {
            if bytes.starts(with: method) {
                self = .http
                return
            }
            if method.starts(with: bytes) {
                self = .undecided
                return
            }
        }
        self = .unknown
    }

    private static let methods: [[UInt8]] = [
        "CONNECT ", "GET ", "HEAD ", "POST ", "PUT ", "DELETE ", "OPTIONS ", "PATCH ",
    ].map { Array($0.utf8) }
}
