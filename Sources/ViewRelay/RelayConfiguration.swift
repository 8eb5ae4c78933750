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
    /// The same, but a connection is greeted in RFB at once: for native viewers alone.
    public var nativeListen: [String] = []
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
    /// Seconds from accepting a connection to the end of its TLS handshake, 1–600.
    public var tlsTimeout = 10
    /// Seconds from there, or from a connection in clear, to the answer to its opening, 1–600.
    public var openingTimeout = 10
    /// Seconds a client is silent before it is greeted in RFB, at least 1.5: a TLS client whose first segment was lost
    /// sends it again after one (RFC 6298 §2.1).
    public var greetingDelay = 2.5
    /// Seconds in which a second TLS layer may follow a CONNECT inside TLS.
    public var secondLayerDelay = 0.3
    /// Seconds for which a relay that was replaced serves the viewers it has.
    public var leavingTimeout = 86_400
    /// Connections at a time; 0: as many as descriptors allow.
    public var mostConnections = 0
    /// Connections at a time from one source; 0: no limit.
    public var mostPerSource = 2_000
    /// Connections at a time that have not said what they want.
    public var mostOpening = 1_000
    /// SSL_CTX_set_cipher_list(3): TLS 1.2.
    public var ciphers = "ECDHE+AESGCM:ECDHE+CHACHA20"
    /// SSL_CTX_set_ciphersuites(3): TLS 1.3.
    public var cipherSuites = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"
    /// Whether TLS 1.2 is refused.
    public var onlyTLS13 = false
    /// Where tokens lead, in a file, instead of a controller's answers; nil: the controller is asked.
    public var routes: String?
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
