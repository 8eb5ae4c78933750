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
    static let messages: [UInt8] =
        [2, 0, 0, 2, 0xff, 0xff, 0xff, 0x21, 0xff, 0xff, 0xfe, 0xc8, 32, 42, 4, 0, 3, 0]
        + [6, 0, 0, 0, 0, 0, 0, 3, 65, 66, 67, 6, 0, 0, 0, 0xff, 0xff, 0xff, 0xfc, 0, 0, 0, 1]
        + [251, 0, 3, 32, 2, 88, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 32, 2, 88, 0, 0, 0, 0]
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

    @Test("WebSocket frames, whole and byte by byte, say the same")
    func webSocketFrames() {
        for bytes in AttackTests.variations(of: AttackTests.frames) {
            #expect(read(bytes, piece: bytes.count) == read(bytes, piece: 1))
        }
    }

    @Test("client messages, whole and byte by byte, come out the same")
    func clientMessages() {
        for bytes in AttackTests.variations(of: AttackTests.messages) {
            for mode in [ViewMode.act, .watch] {
                #expect(filter(bytes, mode, piece: bytes.count) == filter(bytes, mode, piece: 1))
            }
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

    private func read(_ bytes: [UInt8], piece: Int) -> Said {
        var reader = WebSocketReader(acceptsText: false)
        var said = Said()
        for start in stride(from: 0, to: bytes.count, by: max(piece, 1)) {
            var part = Array(bytes[start..<min(start + piece, bytes.count)])
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

    private func filter(_ bytes: [UInt8], _ mode: ViewMode, piece: Int) -> [UInt8] {
        var messages = ClientMessages(mode: mode)
        var all: [UInt8] = []
        for start in stride(from: 0, to: bytes.count, by: max(piece, 1)) {
            let part = Array(bytes[start..<min(start + piece, bytes.count)])
            var output = [UInt8](repeating: 0, count: ClientMessages.outputRoom(for: part.count))
            guard
                let count = try? part.withUnsafeBytes({ input in
                    try output.withUnsafeMutableBytes { try messages.filter(input, into: $0) }
                })
            else { return [] }
            all += output.prefix(count)
        }
        return all
    }
}
