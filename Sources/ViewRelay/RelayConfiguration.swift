/// Everything the relay is told at start.
public struct RelayConfiguration: Sendable {
    /// Files of a certificate chain and its key, PEM.
    public struct Pair: Sendable {
        public var certificate: String
        public var key: String

        /// A pair of files.
        public init(certificate: String, key: String) {
            self.certificate = certificate
            self.key = key
        }
    }

    /// `ADDR:PORT` each, all the same door; an IPv6 address in brackets; port 0: any free one. `[::]` takes IPv4 too.
    public var listen = ["[::]:563", "[::]:8443"]
    /// For everything that starts with TLS.
    public var pair: Pair
    /// Self-signed, for the TLS after a CONNECT in clear; nil closes that way.
    public var directPair: Pair?
    /// Where the web module listens; nil: other requests are refused.
    public var webSocket: String?
    /// Where the controller listens.
    public var controlSocket: String
    /// Threads with an epoll of their own, 1–64.
    public var loops = 1
    /// Seconds from accepting a connection to the answer to its opening, 1–600.
    public var openingTimeout = 10
    /// Seconds from that answer to the end of the RFB handshake: a person types a password meanwhile, 1–600.
    public var handshakeTimeout = 120
    /// Origins a page that opens a WebSocket may have; empty: any.
    public var origins: [String] = []

    /// A configuration with the defaults of every other value.
    public init(pair: Pair, controlSocket: String) {
        self.pair = pair
        self.controlSocket = controlSocket
    }
}

/// Why the relay cannot start.
public struct RelayStartError: Error, Sendable, CustomStringConvertible {
    public let description: String
}
