import SessionModel

/// What a viewer's request head asks for.
public enum ViewerRequest: Equatable, Sendable {
    /// `GET /websockify?token=T` or `GET /websockify/T` with an upgrade: `key` is its Sec-WebSocket-Key.
    case webSocket(token: Secret, key: String, subprotocol: Subprotocol?)
    /// `CONNECT vncsession:T`.
    case connect(token: Secret)
    /// Any other request.
    case web
    /// A request for a view that we cannot serve.
    case refused(Refused)

    /// How frames carry the display's bytes.
    public enum Subprotocol: String, Sendable {
        case binary, base64
    }

    /// Why a request for a view is refused before anyone is asked.
    public enum Refused: String, Sendable {
        case malformedToken = "malformed token"
        case malformedUpgrade = "malformed upgrade"
        case foreignOrigin = "foreign origin"
    }

    /// Tells by `head`; a page's Origin must be one of `origins` unless that is empty.
    public init(_ head: HTTPHead, origins: [String] = []) {
        if head.method == "CONNECT" {
            let prefix = "vncsession:"
            guard head.target.hasPrefix(prefix) else {
                self = .refused(.malformedToken)
                return
            }
            let token = head.target.dropFirst(prefix.count)
            self = Secret.isToken(token) ? .connect(token: Secret(String(token))) : .refused(.malformedToken)
            return
        }
        let path = head.path
        guard
            let place = ["/websockify", "/websocket"].first(where: { path == $0 || path.hasPrefix($0 + "/") })
        else {
            self = .web
            return
        }
        // RFC 6455 §4.2.1: what an opening handshake must have; the key is 16 bytes in base64.
        guard head.method == "GET", head.minorVersion == 1, head.list("upgrade", has: "websocket"),
            head.list("connection", has: "upgrade"), head.value("sec-websocket-version") == "13",
            let key = head.value("sec-websocket-key"), Base64.decode(Array(key.utf8))?.count == 16
        else {
            self = .refused(.malformedUpgrade)
            return
        }
        if !origins.isEmpty, let origin = head.value("origin"), !origins.contains(origin) {
            self = .refused(.foreignOrigin)
            return
        }
        let segment = path.dropFirst(place.count + 1)
        guard let token = segment.isEmpty ? head.query("token") : String(segment), Secret.isToken(token) else {
            self = .refused(.malformedToken)
            return
        }
        let offered = head.list("sec-websocket-protocol")
        let subprotocol: Subprotocol?
        if offered.contains("binary") {
            subprotocol = .binary
        } else if offered.contains("base64") {
            subprotocol = .base64
        } else if offered.isEmpty {
            subprotocol = nil
        } else {
            self = .refused(.malformedUpgrade)
            return
        }
        self = .webSocket(token: Secret(token), key: key, subprotocol: subprotocol)
    }
}
