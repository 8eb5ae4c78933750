import RelayProtocol
import SessionModel
import Testing

/// Every parser against every prefix and every single-byte change of good inputs, and against random bytes: any
/// answer will do, a trap ends the run.
@Suite("no byte makes a parser trap")
struct AttackTests {
    static let head = Array(
        "GET /websockify?token=0123456789abcdef0123456789abcdef HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
            .utf8)
    static let frames: [UInt8] =
        [0x82, 0x83, 1, 2, 3, 4, 5, 6, 7, 0x89, 0x80, 0, 0, 0, 0, 0x02, 0xfe, 0, 2, 9, 9, 9, 9, 1, 2]
        + [0x80, 0xff, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 5, 0x88, 0x82, 0, 0, 0, 0, 3, 0xe8]
    /// Every message that TigerVNC 1.12, noVNC 1.3 and the portal's viewers send, with both orders of a gii message.
    static let messages: [UInt8] =
        [0, 0, 0, 0, 32, 24, 0, 1, 0, 255, 0, 255, 0, 255, 16, 8, 0, 0, 0, 0]
        + [2, 0, 0, 4, 0xff, 0xff, 0xff, 0x21, 0xff, 0xff, 0xfe, 0xc8, 0xff, 0xff, 0xfe, 0xc7, 0xc0, 0xa1, 0xe5, 0xce]
        + [32, 42, 4, 0, 3, 0, 4, 1, 0, 0, 0, 0, 0, 97, 5, 1, 0, 9, 0, 9]
        + [6, 0, 0, 0, 0, 0, 0, 3, 65, 66, 67, 6, 0, 0, 0, 0xff, 0xff, 0xff, 0xfc, 0, 0, 0, 1]
        + [251, 0, 3, 32, 2, 88, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 32, 2, 88, 0, 0, 0, 0]
        + [150, 1, 0, 0, 0, 0, 2, 128, 1, 224, 250, 0, 1, 2, 253, 129, 0, 2, 0, 1, 253, 1, 2, 0, 1, 0]
        + [248, 0, 0, 0, 0, 0, 0, 1, 2, 7, 7, 255, 0, 0, 1, 0, 0, 0, 65, 0, 0, 0, 30, 3, 1, 0, 0, 0, 0, 0, 9, 0, 9]
    static let displayHandshake = Array("RFB 003.008\n".utf8) + [1, 2] + [UInt8](0..<16) + [0, 0, 0, 0]
    static let viewerHandshake = Array("RFB 003.008\n".utf8) + [2] + [UInt8](0..<16) + [1]

    static func variations(of good: [UInt8]) -> [[UInt8]] {
        var all = (0...good.count).map { Array(good.prefix($0)) }
        for index in good.indices {
            for value in [UInt8](0...255) {
                var changed = good
                changed[index] = value
                all.append(changed)
            }
        }
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<2000 {
            all.append((0..<Int.random(in: 0..<200)).map { _ in UInt8.random(in: 0...255, using: &generator) })
        }
        return all
    }

    @Test("heads, first bytes and data link answers")
    func heads() {
        for bytes in AttackTests.variations(of: AttackTests.head) {
            _ = FirstBytes(bytes)
            if let head = try? HTTPHead.parse(bytes) { _ = ViewerRequest(head, origins: ["a"]) }
            _ = DataLinkAnswer(bytes)
            _ = Base64.decode(bytes)
        }
    }

    @Test("a head is read at its last byte, not before, and what follows does not change it")
    func headEnds() throws {
        let good = try #require(try HTTPHead.parse(AttackTests.head))
        #expect(good.length == AttackTests.head.count)
        for count in 0..<AttackTests.head.count {
            #expect(try HTTPHead.parse(Array(AttackTests.head.prefix(count))) == nil)
        }
        #expect(try HTTPHead.parse(AttackTests.head + AttackTests.frames) == good)
    }

    @Test("first bytes once told stay so")
    func firstBytes() {
        for bytes in [
            AttackTests.head, Array("CONNECT vncsession:0 HTTP/1.0\n\n".utf8), [22, 3, 1, 2, 0], [22, 2], [0],
        ] {
            let known = FirstBytes(bytes)
            #expect(known != .undecided)
            for count in 0..<bytes.count {
                let early = FirstBytes(Array(bytes.prefix(count)))
                #expect(early == .undecided || early == known)
            }
        }
    }

    @Test("WebSocket frames cut anywhere say the same")
    func webSocketFrames() {
        for acceptsText in [false, true] {
            for bytes in AttackTests.variations(of: AttackTests.frames) {
                #expect(read([bytes], acceptsText) == read(bytes.map { [$0] }, acceptsText))
            }
            let whole = read([AttackTests.frames], acceptsText)
            for cut in AttackTests.frames.indices {
                let parts = [Array(AttackTests.frames[..<cut]), Array(AttackTests.frames[cut...])]
                #expect(read(parts, acceptsText) == whole)
            }
        }
    }

    @Test("client messages cut anywhere come out the same, and end for the same reason")
    func clientMessages() {
        for mode in [ViewMode.act, .watch] {
            for bytes in AttackTests.variations(of: AttackTests.messages) {
                let whole = filter([bytes], mode)
                let cut = filter(bytes.map { [$0] }, mode)
                #expect(whole.fault == cut.fault)
                // What came in one read with a fault is not sent.
                #expect(whole.fault == nil ? whole.bytes == cut.bytes : whole.bytes.isEmpty)
            }
            let whole = filter([AttackTests.messages], mode)
            #expect(whole.fault == nil)
            for cut in AttackTests.messages.indices {
                let parts = [Array(AttackTests.messages[..<cut]), Array(AttackTests.messages[cut...])]
                #expect(filter(parts, mode).bytes == whole.bytes)
            }
        }
    }

    @Test("base64 cut anywhere decodes to the same bytes, none of them beyond its piece")
    func base64Pieces() {
        let bytes = [UInt8](0..<100)
        let text = Array(Base64.encode(bytes).utf8) + Array(Base64.encode([7]).utf8)
        for size in 1...9 {
            var decoder = Base64Decoder()
            var decoded: [UInt8] = []
            for start in stride(from: 0, to: text.count, by: size) {
                var piece = Array(text[start..<min(start + size, text.count)]) + [0xAA, 0xAA, 0xAA]
                let length = piece.count - 3
                let count = piece.withUnsafeMutableBytes { decoder.decode(.init(rebasing: $0[..<length])) }
                decoded += piece.prefix(count ?? 0)
                #expect(count != nil && piece.suffix(3) == [0xAA, 0xAA, 0xAA])
            }
            #expect(decoded == bytes + [7] && decoder.isAtBoundary)
        }
    }

    @Test("handshakes")
    func handshakes() {
        for password in [nil, Secret("testtest")] {
            for bytes in AttackTests.variations(of: AttackTests.displayHandshake) {
                var machine = RFBHandshake(password: password)
                _ = try? machine.viewerSent(AttackTests.viewerHandshake)
                for byte in bytes { _ = try? machine.displaySent([byte]) }
            }
            for bytes in AttackTests.variations(of: AttackTests.viewerHandshake) {
                var machine = RFBHandshake(password: password)
                _ = try? machine.displaySent(AttackTests.displayHandshake)
                for byte in bytes { _ = try? machine.viewerSent([byte]) }
            }
        }
    }

    private struct Said: Equatable {
        var data: [UInt8] = []
        var others: [WebSocketEvent] = []
    }

    private func read(_ pieces: [[UInt8]], _ acceptsText: Bool) -> Said {
        var reader = WebSocketReader(acceptsText: acceptsText)
        var said = Said()
        for piece in pieces {
            var part = piece
            let isOver = part.withUnsafeMutableBytes { buffer in
                var position = 0
                while true {
                    let event = reader.next(buffer, at: &position)
                    switch event {
                    case .needMore: return false
                    case .data(let range, _): said.data += buffer[range]
                    case .close, .broken:
                        said.others.append(event)
                        return true
                    default: said.others.append(event)
                    }
                }
            }
            if isOver { break }
        }
        return said
    }

    private func filter(_ pieces: [[UInt8]], _ mode: ViewMode) -> (bytes: [UInt8], fault: ClientMessageFault?) {
        Filtered.filter(pieces, mode)
    }
}

/// What ``ClientMessages`` lets through.
enum Filtered {
    static func filter(_ pieces: [[UInt8]], _ mode: ViewMode) -> (bytes: [UInt8], fault: ClientMessageFault?) {
        var messages = ClientMessages(mode: mode)
        var all: [UInt8] = []
        for part in pieces {
            var output = [UInt8](repeating: 0, count: ClientMessages.outputRoom(for: part.count))
            do {
                let count = try part.withUnsafeBytes { input in
                    try output.withUnsafeMutableBytes { try messages.filter(input, into: $0) }
                }
                all += output.prefix(count)
            } catch {
                return (all, error as? ClientMessageFault)
            }
        }
        return (all, nil)
    }
}
