import COpenSSL
import SessionModel

/// The client's side of a WebSocket (RFC 6455), with the subprotocols noVNC offers: `binary`, and `base64` in text
/// frames.
final class WebSocketChannel: Channel {
    /// How bytes travel in messages.
    enum Subprotocol: String {
        case binary, base64
    }

    private let channel: any Channel
    private let reader: Reader
    private let subprotocol: Subprotocol
    private var pending: [UInt8] = []
    /// What a text message's fragment left over: base64 comes in groups of four.
    private var partialText: [UInt8] = []

    /// Asks for `path` over `channel`, which belongs to this one from then on.
    init(
        over channel: any Channel, host: String, path: String, subprotocol: Subprotocol, origin: String? = nil,
        by deadline: Deadline
    ) throws(ViewError) {
        self.channel = channel
        self.subprotocol = subprotocol
        reader = Reader(channel)
        var generator = SystemRandomNumberGenerator()
        let key = base64((0..<16).map { _ in UInt8.random(in: .min ... .max, using: &generator) })
        var request = "GET \(path) HTTP/1.1\r\nHost: \(host)\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        request += "Sec-WebSocket-Key: \(key)\r\nSec-WebSocket-Version: 13\r\n"
        request += "Sec-WebSocket-Protocol: \(subprotocol.rawValue)\r\n"
        if let origin { request += "Origin: \(origin)\r\n" }
        try channel.send(Array((request + "\r\n").utf8), by: deadline)
        let head = try channel.expectStatus(101, by: deadline)
        guard header("sec-websocket-accept", in: head) == WebSocketChannel.answer(to: key) else {
            throw .broken("Sec-WebSocket-Accept does not fit the key")
        }
        guard header("sec-websocket-protocol", in: head) == subprotocol.rawValue else {
            throw .broken("the subprotocol asked for was not chosen")
        }
    }

    /// RFC 6455 §4.2.2, point 5.4.
    private static func answer(to key: String) -> String {
        let text = Array((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").utf8)
        var digest = [UInt8](repeating: 0, count: 20)
        SHA1(text, text.count, &digest)
        return base64(digest)
    }

    func receive(upTo limit: Int, _ what: String, by deadline: Deadline) throws(ViewError) -> [UInt8] {
        while pending.isEmpty {
            guard try readFrame(what, by: deadline) else { return [] }
        }
        if pending.count <= limit {
            defer { pending = [] }
            return pending
        }
        defer { pending.removeFirst(limit) }
        return Array(pending.prefix(limit))
    }

    /// One frame into `pending`; false when it was the close frame.
    private func readFrame(_ what: String, by deadline: Deadline) throws(ViewError) -> Bool {
        let head = try reader.take(2, what, by: deadline)
        guard head[0] & 0x70 == 0, head[1] & 0x80 == 0 else { throw .broken("a WebSocket frame with wrong flags") }
        var length = UInt64(head[1] & 0x7f)
        if length == 126 {
            let short: UInt16 = try reader.number(what, by: deadline)
            length = UInt64(short)
        } else if length == 127 {
            length = try reader.number(what, by: deadline)
        }
        guard length <= 64 << 20 else { throw .broken("a WebSocket frame of \(length) bytes") }
        let payload = try reader.take(Int(length), what, by: deadline)
        switch head[0] & 0x0f {
        case 0, 1, 2:
            if subprotocol == .binary {
                pending += payload
            } else {
                partialText += payload
                let whole = partialText.count / 4 * 4
                guard let bytes = unbase64(Array(partialText.prefix(whole))) else {
                    throw .broken("a text frame that is not base64")
                }
                pending += bytes
                partialText.removeFirst(whole)
            }
        case 8: return false
        case 9: try sendFrame(10, payload, by: deadline)
        case 10: break
        default: throw .broken("a WebSocket frame of kind \(head[0] & 0x0f)")
        }
        return true
    }

    func send(_ bytes: [UInt8], by deadline: Deadline) throws(ViewError) {
        switch subprotocol {
        case .binary: try sendFrame(2, bytes, by: deadline)
        case .base64: try sendFrame(1, Array(base64(bytes).utf8), by: deadline)
        }
    }

    private func sendFrame(_ kind: UInt8, _ payload: [UInt8], by deadline: Deadline) throws(ViewError) {
        var frame: [UInt8] = [0x80 | kind]
        switch payload.count {
        case ..<126: frame.append(0x80 | UInt8(payload.count))
        case ..<65536: frame += [0x80 | 126] + UInt16(payload.count).bigEndianBytes
        default: frame += [0x80 | 127] + UInt64(payload.count).bigEndianBytes
        }
        let mask = UInt32.random(in: .min ... .max).bigEndianBytes
        frame += mask
        frame += payload.enumerated().map { $0.element ^ mask[$0.offset & 3] }
        try channel.send(frame, by: deadline)
    }

    func close() {
        // Only a courtesy: the peer learns it from the closed connection all the same.
        try? sendFrame(8, UInt16(1000).bigEndianBytes, by: Deadline(after: .zero))
        channel.close()
    }

    func abandon() { channel.abandon() }
}

private func header(_ name: String, in head: [String]) -> String? {
    for line in head.dropFirst() {
        let parts = line.split(separator: ":", maxSplits: 1)
        guard parts.count == 2, parts[0].lowercased() == name else { continue }
        return String(parts[1].drop { $0 == " " })
    }
    return nil
}

/// `bytes` in base64 with its padding.
private func base64(_ bytes: [UInt8]) -> String {
    var text = [UInt8](repeating: 0, count: (bytes.count + 2) / 3 * 4 + 1)
    let length = EVP_EncodeBlock(&text, bytes, Int32(bytes.count))
    return String(decoding: text.prefix(Int(length)), as: UTF8.self)
}

/// The bytes of whole groups of base64; nil when it is none.
private func unbase64(_ text: [UInt8]) -> [UInt8]? {
    guard !text.isEmpty else { return [] }
    var bytes: [UInt8] = []
    // A padded group may stand anywhere: each message of the peer's ends with its own.
    var group = 0
    while group < text.count {
        var end = group + 4
        while end < text.count, text[end - 1] != UInt8(ascii: "=") { end += 4 }
        let part = Array(text[group..<end])
        var out = [UInt8](repeating: 0, count: part.count / 4 * 3)
        let length = EVP_DecodeBlock(&out, part, Int32(part.count))
        guard length >= 0 else { return nil }
        bytes += out.prefix(Int(length) - part.suffix(2).count { $0 == UInt8(ascii: "=") })
        group = end
    }
    return bytes
}
