import RelayProtocol
import SessionModel
import Stress

/// What one that means harm tries.
enum Harm: CaseIterable, Equatable, Sendable {
    /// A token of the right form that was never given.
    case wrongToken
    case malformedToken
    case endlessHead
    /// A stock viewer's way with a wrong ticket.
    case wrongTicket
    /// What is neither TLS nor HTTP.
    case garbage
    /// TLS that breaks off in the middle of its first record.
    case halfHello
    /// TLS, and then not a word.
    case silentTLS
    /// Not a word, and no answer to the greeting.
    case silence
    /// A head that never ends.
    case halfHead

    /// Seconds after which it must have been turned away: the relay's patience for each step, and for guesses the
    /// controller's, which grows with each of them.
    static let patience = 60.0

    /// Whether it goes through TLS.
    var isInTLS: Bool {
        switch self {
        case .garbage, .halfHello, .silence: false
        case .wrongToken, .malformedToken, .endlessHead, .wrongTicket, .silentTLS, .halfHead: true
        }
    }

    /// What it says in clear as soon as it may.
    func clearBytes(_ chances: inout SeededGenerator) -> [UInt8] {
        switch self {
        case .garbage: [0] + (0..<200).map { _ in UInt8.random(in: .min ... .max, using: &chances) }
        // The head of a record of 512 bytes, and too few of them (RFC 8446 §5.1).
        case .halfHello:
            [22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3]
                + (0..<32).map { _ in UInt8.random(in: .min ... .max, using: &chances) }
        default: []
        }
    }

    /// What it says inside TLS as soon as it may.
    func secretBytes(_ chances: inout SeededGenerator) -> [UInt8] {
        switch self {
        case .wrongToken:
            Array("CONNECT vncsession:\(Self.token(&chances)) HTTP/1.1\r\n\r\n".utf8)
        case .malformedToken:
            Array("GET /websockify?token=../../etc/passwd%00 HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n".utf8)
                + Array("Connection: Upgrade\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n".utf8)
                + Array("Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: binary\r\n\r\n".utf8)
        case .endlessHead:
            Array("GET /websockify HTTP/1.1\r\nX: ".utf8) + [UInt8](repeating: 65, count: 64 * 1024)
        case .halfHead: Array("CONNECT vncsession:".utf8)
        default: []
        }
    }

    /// A token that nobody was given.
    static func token(_ chances: inout SeededGenerator) -> String {
        hexadecimal((0..<16).map { _ in UInt8.random(in: .min ... .max, using: &chances) })
    }

    /// Whether what came back means that it was served: any answer of HTTP that lets pass.
    static func isServed(_ answer: [UInt8]) -> Bool {
        guard answer.starts(with: "HTTP/1.".utf8) else { return false }
        let status = String(decoding: answer.dropFirst(9).prefix(3), as: UTF8.self)
        return status == "200" || status == "101"
    }
}
