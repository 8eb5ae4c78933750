import RelayProtocol
import SessionModel

/// A viewer's part of the RFB handshake, up to the display's size (RFC 6143 §7.1, §7.2, §7.3).
struct DisplayLogin {
    /// What came of some bytes.
    enum Step: Equatable {
        /// Send these, if any, and wait.
        case reply([UInt8])
        /// Send `reply`: the desktop has that size. `early` came already and are its first messages.
        case done(reply: [UInt8], width: Int, height: Int, early: [UInt8])
    }

    private enum Expectation {
        case version, typeCount, types(Int), challenge, result, reason, words(Int), size, name(Int)
    }

    private let password: Secret?
    private var expectation: Expectation
    private var received: [UInt8] = []
    private var reply: [UInt8] = []
    private var size = (width: 0, height: 0)
    /// Whether the display, or whoever speaks for it, let the viewer in.
    private(set) var isAdmitted = false

    /// A viewer at the display's first byte, with what VncAuth may ask for.
    init(password: Secret?) {
        self.password = password
        expectation = .version
    }

    /// A viewer that said who it is, and waits for the answer.
    static func afterCredentials() -> DisplayLogin {
        var login = DisplayLogin(password: nil)
        login.expectation = .result
        return login
    }

    /// The display said `bytes`. After a fault or ``Step/done(reply:width:height:early:)`` nothing more may be asked.
    mutating func take(_ bytes: some Sequence<UInt8>) throws(DisplayFault) -> Step {
        received.append(contentsOf: bytes)
        reply = []
        while received.count >= needed {
            let bytes = Array(received.prefix(needed))
            received.removeFirst(needed)
            if try isOver(bytes) {
                return .done(reply: reply, width: size.width, height: size.height, early: received)
            }
        }
        return .reply(reply)
    }

    private var needed: Int {
        switch expectation {
        case .version: 12
        case .typeCount: 1
        case .types(let count), .words(let count), .name(let count): count
        case .challenge: 16
        case .result, .reason: 4
        case .size: 24
        }
    }

    private mutating func isOver(_ bytes: [UInt8]) throws(DisplayFault) -> Bool {
        switch expectation {
        case .version:
            guard RFBVersion(bytes) == .v3_8 else { throw DisplayFault(cause: "no greeting of RFB") }
            reply += RFBVersion.v3_8.greeting
            expectation = .typeCount
        case .typeCount: expectation = bytes[0] == 0 ? .reason : .types(Int(bytes[0]))
        case .types:
            if bytes.contains(1) {
                reply.append(1)
                expectation = .result
            } else {
                guard bytes.contains(2), password != nil else { throw DisplayFault(cause: "no way to log in") }
                reply.append(2)
                expectation = .challenge
            }
        case .challenge:
            reply += VNCPassword.response(challenge: bytes, password: password ?? Secret(""))
            expectation = .result
        case .result:
            guard bytes == [0, 0, 0, 0] else {
                expectation = .reason
                break
            }
            isAdmitted = true
            // Shared.
            reply.append(1)
            expectation = .size
        case .reason:
            guard bytes[0] == 0, bytes[1] == 0, bytes[2] < 16 else { throw DisplayFault(cause: "an endless text") }
            let length = bytes.reduce(0) { $0 << 8 | Int($1) }
            guard length > 0 else { throw DisplayFault(cause: "refused") }
            expectation = .words(length)
        case .words: throw DisplayFault(cause: "refused: " + printable(bytes))
        case .size:
            size = (Int(bytes[0]) << 8 | Int(bytes[1]), Int(bytes[2]) << 8 | Int(bytes[3]))
            guard bytes[20] == 0, bytes[21] == 0 else { throw DisplayFault(cause: "an endless text") }
            let length = Int(bytes[22]) << 8 | Int(bytes[23])
            expectation = .name(length)
        case .name: return true
        }
        return false
    }
}

/// What of `bytes` can stand on a line; at most 200 characters.
func printable(_ bytes: some Sequence<UInt8>) -> String {
    String(decoding: bytes.lazy.filter { (32...126).contains($0) }.prefix(200), as: UTF8.self)
}
