import RelayProtocol
import SessionModel
import Testing

@Suite("a viewer's messages")
struct ClientMessagesTests {
    static let encodings: [UInt8] = [2, 0, 0, 1, 0xff, 0xff, 0xff, 0x21]
    static let update: [UInt8] = [3, 1, 0, 0, 0, 0, 0, 9, 0, 9]
    static let size: [UInt8] =
        [251, 0, 3, 32, 2, 88, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 32, 2, 88, 0, 0, 0, 0]

    @Test(
        "what acts is dropped for who only watches, and passes for who may act",
        arguments: [
            [4, 1, 0, 0, 0, 0, 0, 97], [5, 1, 0, 9, 0, 9], [6, 0, 0, 0, 0, 0, 0, 2, 65, 66],
            [6, 0, 0, 0, 0xff, 0xff, 0xff, 0xfb, 1, 0, 0, 1, 9], size, [255, 0, 0, 1, 0, 0, 0, 97, 0, 0, 0, 30],
        ] as [[UInt8]])
    func acting(_ message: [UInt8]) {
        let said = Self.encodings + message + Self.update
        #expect(Filtered.filter([said], .act).bytes == said)
        #expect(Filtered.filter([said], .watch).bytes == Self.encodings + Self.update)
    }

    @Test(
        "what Xvnc does not know, or was not told of, is dropped, and the next message stands",
        arguments: [
            [253, 129, 0, 2, 0, 1], [253, 1, 2, 0, 1, 0], [253, 0, 0, 0],
            [253, 128, 1, 0] + Array(repeating: 4, count: 256),
            [250, 0, 1, 2], [150, 1, 0, 0, 0, 0, 0, 9, 0, 9], [248, 0, 0, 0, 0, 0, 0, 1, 3, 99, 99, 99],
            [251, 0, 3, 32, 2, 88, 0, 0], [251, 0, 0, 0, 0, 0, 1, 0] + Array(repeating: 0, count: 16),
        ] as [[UInt8]])
    func dropped(_ message: [UInt8]) {
        for mode in [ViewMode.act, .watch] {
            let said = Self.encodings + message + Self.update
            let result = Filtered.filter([said], mode)
            #expect(result.fault == nil && result.bytes == Self.encodings + Self.update)
        }
    }

    @Test("fences and continuous updates pass once they were announced, and no longer when a new list leaves them out")
    func announced() {
        let list: [UInt8] = [2, 0, 0, 2, 0xff, 0xff, 0xfe, 0xc8, 0xff, 0xff, 0xfe, 0xc7]
        let both: [UInt8] = [150, 1, 0, 0, 0, 0, 0, 9, 0, 9, 248, 0, 0, 0, 0, 0, 0, 1, 1, 99]
        let said = list + both + Self.encodings
        #expect(Filtered.filter([said + both], .watch).bytes == said)
    }

    @Test("a size waits for the encodings, the last one counts, and the portal's is made one of RFB")
    func sizes() {
        let portal: [UInt8] = [32, 42, 3, 32, 2, 88]
        #expect(Filtered.filter([[32, 42, 2, 0, 2, 0] + portal], .act).bytes.isEmpty)
        #expect(Filtered.filter([portal + Self.encodings], .act).bytes == Self.encodings + Self.size)
        #expect(Filtered.filter([Self.encodings + portal], .act).bytes == Self.encodings + Self.size)
        #expect(Filtered.filter([portal + Self.encodings + portal], .watch).bytes == Self.encodings)
        let neither: [UInt8] = [2, 0, 0, 0]
        #expect(
            Filtered.filter([Self.encodings + neither + portal], .act).bytes == Self.encodings + neither,
            "a viewer that gave up sizes gets none")
        for tooMuch in [[0, 0, 0, 0], [0, 9, 2, 88], [3, 32, 16, 1]] as [[UInt8]] {
            #expect(Filtered.filter([Self.encodings + [32, 42] + tooMuch], .act).bytes == Self.encodings)
        }
    }

    @Test(
        "an unknown or malformed message ends the viewer, and tells which",
        arguments: [
            ([1], .unknownMessage(1)), ([99], .unknownMessage(99)), ([254], .unknownMessage(254)),
            ([32, 41, 0, 0, 0, 0], .malformed(32)), ([6, 0, 0, 0, 1, 0, 0, 1], .malformed(6)),
            ([6, 0, 0, 0, 0xff, 0xff, 0xff, 0xfd], .malformed(6)), ([6, 0, 0, 0, 0x80, 0, 0, 0], .malformed(6)),
            ([248, 0, 0, 0, 0, 0, 0, 1, 65], .malformed(248)),
            ([255, 1] + Array(repeating: 0, count: 10), .malformed(255)),
        ] as [([UInt8], ClientMessageFault)])
    func faults(_ message: [UInt8], _ fault: ClientMessageFault) {
        for mode in [ViewMode.act, .watch] {
            #expect(Filtered.filter([Self.encodings, message], mode).fault == fault)
        }
        #expect(fault.cause.hasSuffix("message \(message[0])"))
    }
}

@Suite("what a viewer asks for")
struct ViewerRequestTests {
    static let token = "0123456789abcdef0123456789abcdef"

    static func request(_ target: String) throws -> ViewerRequest {
        let text =
            "GET \(target) HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        return ViewerRequest(try #require(try HTTPHead.parse(Array(text.utf8))))
    }

    @Test(
        "a token is in the query or is a segment of the path",
        arguments: [
            "/websockify?token=\(token)", "/websocket?a=b&token=\(token)", "/websockify/\(token)",
            "/websocket/\(token)",
            "/websockify/?token=\(token)", "/websockify/\(token)?token=other",
        ])
    func tokens(_ target: String) throws {
        let expected = ViewerRequest.webSocket(
            token: Secret(Self.token), key: "dGhlIHNhbXBsZSBub25jZQ==", subprotocol: nil)
        #expect(try Self.request(target) == expected)
    }

    @Test(
        "what is no token is refused",
        arguments: [
            "/websockify", "/websocket/", "/websockify/x", "/websockify/\(token)/", "/websockify/\(token)0",
            "/websockify?token=", "/websockify/x?token=\(token)",
        ])
    func malformed(_ target: String) throws {
        #expect(try Self.request(target) == .refused(.malformedToken))
    }

    @Test("other paths are the web module's", arguments: ["/", "/websockifyx", "/websocket.html", "/view/5"])
    func web(_ target: String) throws {
        #expect(try Self.request(target) == .web)
    }
}
