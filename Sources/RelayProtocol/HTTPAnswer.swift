/// The few answers the relay gives itself; every other one is the web module's.
public enum HTTPAnswer {
    /// To `CONNECT`: nothing may follow the empty line before the viewer speaks.
    public static let connected = Array("HTTP/1.1 200 Connection established\r\n\r\n".utf8)

    /// To who comes when as many are there as may be.
    public static let tooMany = "The gateway has as many viewers as it can take; please try again in a minute."

    /// RFC 6455 §4.2.2: `accept` is the base64 of SHA-1 over the key and ``webSocketGUID``.
    public static func upgraded(accept: String, subprotocol: ViewerRequest.Subprotocol?) -> [UInt8] {
        var text = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        text += "Sec-WebSocket-Accept: \(accept)\r\n"
        if let subprotocol { text += "Sec-WebSocket-Protocol: \(subprotocol.rawValue)\r\n" }
        return Array((text + "\r\n").utf8)
    }

    /// RFC 6455 §1.3.
    public static let webSocketGUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

    /// A refusal with one line of text, `reason` or for instance `403 Forbidden`; the connection is closed after it.
    public static func refusal(_ status: String, reason: String? = nil) -> [UInt8] {
        let body = (reason ?? status) + "\n"
        return Array(
            ("HTTP/1.1 \(status)\r\nContent-Type: text/plain\r\nContent-Length: \(body.utf8.count)\r\n"
                + "Connection: close\r\n\r\n" + body).utf8)
    }

    /// From http to https, on the host the request itself names; without a usable Host field a refusal.
    public static func redirect(_ head: HTTPHead) -> [UInt8] {
        guard let host = head.value("host"), !host.isEmpty, head.target.hasPrefix("/"),
            host.utf8.allSatisfy({ (33...126).contains($0) && !"/?#@\\\"<>".utf8.contains($0) })
        else { return refusal("400 Bad Request") }
        return Array(
            ("HTTP/1.1 301 Moved Permanently\r\nLocation: https://\(host)\(head.target)\r\nContent-Length: 0\r\n"
                + "Connection: close\r\n\r\n").utf8)
    }
}
