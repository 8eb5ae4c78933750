import SessionModel

/// How a viewer comes through the gateway's port.
public enum WayIn: String, Sendable, CaseIterable {
    /// TLS, then `GET /websockify?token=T` with the subprotocol `binary`.
    case webSocketBinary
    /// The same with `base64`.
    case webSocketBase64
    /// TLS, then `CONNECT vncsession:T` inside it and RFB in the same TLS.
    case connectInTLS
    /// `CONNECT vncsession:T` in clear, then TLS: the portal's Java viewer.
    case connectInClear

    /// A stream of RFB bytes, and what the certificate said.
    func open(
        host: String, port: Int, token: Secret, trust: Trust, by deadline: Deadline
    ) throws(ViewError) -> (channel: any Channel, certificate: Certificate) {
        let socket = try Socket(host: host, port: port, by: deadline)
        switch self {
        case .webSocketBinary, .webSocketBase64:
            let tls = try TLSChannel(over: socket, host: host, trust: trust, by: deadline)
            let channel = try WebSocketChannel(
                over: tls, host: "\(host):\(port)", path: "/websockify?token=\(token.exposed)",
                subprotocol: self == .webSocketBinary ? .binary : .base64, by: deadline)
            return (channel, tls.certificate)
        case .connectInTLS:
            let tls = try TLSChannel(over: socket, host: host, trust: trust, by: deadline)
            try connect(token, over: tls, by: deadline)
            return (tls, tls.certificate)
        case .connectInClear:
            try connect(token, over: socket, by: deadline)
            let tls = try TLSChannel(over: socket, host: host, trust: trust, by: deadline)
            return (tls, tls.certificate)
        }
    }
}

/// Exactly the bytes the portal's Java viewer sends, and a 200.
private func connect(_ token: Secret, over channel: any Channel, by deadline: Deadline) throws(ViewError) {
    let target = "vncsession:\(token.exposed)"
    try channel.send(Array("CONNECT \(target) HTTP/1.1\r\nHost: \(target)\r\n\r\n".utf8), by: deadline)
    _ = try channel.expectStatus(200, by: deadline)
}
