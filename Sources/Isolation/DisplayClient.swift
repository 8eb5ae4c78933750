import SessionModel

/// The client's side of RFB 3.8 with VncAuth (RFC 6143): bytes in, bytes to send and events out.
///
/// Pixels are asked for raw, 32 bits each, blue first. The desktop's size is told and set as the RFB community's
/// description has it (`DesktopSize` -223, `ExtendedDesktopSize` -308, `SetDesktopSize` 251). Whatever a display
/// sends becomes an event or ``Broken``, and no more than one rectangle of it is kept.
struct DisplayClient {
    /// The display sent what the protocol does not have; the connection is of no more use.
    struct Broken: Error, Equatable {
        let cause: String
    }

    /// A part of the desktop, in pixels.
    struct Rectangle: Equatable {
        var left: Int
        var top: Int
        var width: Int
        var height: Int
    }

    enum Event: Equatable {
        case send([UInt8])
        /// The display wants to be shown the password: it waits for ``logIn()``.
        case challenged
        /// Requests may be sent.
        case opened
        /// Pixels, 4 bytes each, row by row.
        case pixels(Rectangle, [UInt8])
        /// The answer to ``resize(to:)``: 0, or why not (1 prohibited, 2 out of resources, 3 invalid).
        case resizeAnswered(status: Int)
        /// One whole update has come; the next comes only when it is asked for.
        case updated
    }

    private enum Phase {
        case greeting, kindCount, kinds(Int), challenge, verdict, serverInit, message, colours, cutText, update
        case rectangles(Int)
        case pixels(Rectangle, left: Int)
        case screenCount(Rectangle, left: Int)
        case screens(Rectangle, count: Int, left: Int)

        /// Bytes it takes.
        var length: Int {
            switch self {
            case .greeting: 12
            case .kindCount, .message: 1
            case .kinds(let count): count
            case .challenge: 16
            case .verdict, .screenCount: 4
            case .serverInit: 24
            case .colours: 5
            case .cutText: 7
            case .update: 3
            case .rectangles(let left): left > 0 ? 12 : 0
            case .pixels(let part, _): part.width * part.height * 4
            case .screens(_, let count, _): count * 16
            }
        }
    }

    private let password: Secret
    private let mostPixels: Int
    private var phase = Phase.greeting
    private var waiting: [UInt8] = []
    private var challenge: [UInt8] = []
    private var skipping = 0
    private var screen: [UInt8]?
    /// The desktop's size, 0 before ``Event/opened``.
    private(set) var width = 0
    private(set) var height = 0

    /// A client at the start of its connection, that takes rectangles of at most `mostPixels`.
    init(password: Secret, mostPixels: Int) {
        self.password = password
        self.mostPixels = mostPixels
    }

    /// Takes what the display sent.
    mutating func received(_ bytes: some Collection<UInt8>) throws(Broken) -> [Event] {
        waiting += bytes
        var events: [Event] = []
        var used = 0
        while true {
            let skipped = min(skipping, waiting.count - used)
            skipping -= skipped
            used += skipped
            let length = phase.length
            guard skipping == 0, waiting.count - used >= length else { break }
            try take(Array(waiting[used..<used + length]), &events)
            used += length
        }
        waiting.removeFirst(used)
        return events
    }

    /// Shows the password, once the display has asked for it.
    func logIn() -> [UInt8] { VNCPassword.response(challenge: challenge, password: password) }

    /// Asks for `part`: all of it, or what of it changed since it was sent last.
    static func request(_ part: Rectangle, onlyChanges: Bool) -> [UInt8] {
        [3, onlyChanges ? 1 : 0] + [part.left, part.top, part.width, part.height].flatMap(twoBytes)
    }

    /// Asks for the desktop to become `size`; nil when the display has not told that it can: Xvnc 1.12 does not
    /// survive being asked all the same.
    func resize(to size: Geometry) -> [UInt8]? {
        guard let screen else { return nil }
        let sides = Self.twoBytes(size.width) + Self.twoBytes(size.height)
        return [251, 0] + sides + [1, 0] + screen + [0, 0, 0, 0] + sides + [0, 0, 0, 0]
    }

    private static func twoBytes(_ value: Int) -> [UInt8] {
        [UInt8(truncatingIfNeeded: value >> 8), UInt8(truncatingIfNeeded: value)]
    }

    private static func number(_ bytes: some Sequence<UInt8>) -> Int { bytes.reduce(0) { $0 << 8 | Int($1) } }

    private mutating func take(_ bytes: [UInt8], _ events: inout [Event]) throws(Broken) {
        switch phase {
        case .greeting, .kindCount, .kinds, .challenge, .verdict, .serverInit: try shakeHands(bytes, &events)
        case .message:
            switch bytes[0] {
            case 0: phase = .update
            case 1: phase = .colours
            case 2: break
            case 3: phase = .cutText
            case let kind: throw Broken(cause: "a message \(kind)")
            }
        case .colours:
            skipping = Self.number(bytes[3...]) * 6
            phase = .message
        case .cutText:
            skipping = Self.number(bytes[3...])
            phase = .message
        case .update: phase = .rectangles(Self.number(bytes[1...]))
        case .rectangles(0):
            phase = .message
            events.append(.updated)
        case .rectangles(let left): try rectangle(bytes, left: left - 1)
        case .pixels(let part, let left):
            events.append(.pixels(part, bytes))
            phase = .rectangles(left)
        case .screenCount(let part, let left):
            guard bytes[0] > 0 else { throw Broken(cause: "a desktop without a screen") }
            phase = .screens(part, count: Int(bytes[0]), left: left)
        case .screens(let told, _, let left):
            screen = Array(bytes[..<4])
            (width, height) = (told.width, told.height)
            // Its left side says who asked for the size, its top side how that went.
            if told.left == 1 { events.append(.resizeAnswered(status: told.top)) }
            phase = .rectangles(left)
        }
    }

    private mutating func shakeHands(_ bytes: [UInt8], _ events: inout [Event]) throws(Broken) {
        switch phase {
        case .greeting:
            guard bytes.starts(with: Array("RFB ".utf8)) else { throw Broken(cause: "no greeting") }
            events.append(.send(Array("RFB 003.008\n".utf8)))
            phase = .kindCount
        case .kindCount:
            guard bytes[0] > 0 else { throw Broken(cause: "it lets nobody in") }
            phase = .kinds(Int(bytes[0]))
        case .kinds:
            guard bytes.contains(2) else { throw Broken(cause: "no VncAuth") }
            events.append(.send([2]))
            phase = .challenge
        case .challenge:
            challenge = bytes
            events.append(.challenged)
            phase = .verdict
        case .verdict:
            guard bytes == [0, 0, 0, 0] else { throw Broken(cause: "the password was refused") }
            // ClientInit: shared.
            events.append(.send([1]))
            phase = .serverInit
        default:
            (width, height) = (Self.number(bytes[0..<2]), Self.number(bytes[2..<4]))
            guard width > 0, height > 0 else { throw Broken(cause: "a desktop of \(width)x\(height)") }
            skipping = Self.number(bytes[20...])
            // 32 bits a pixel, 24 of them colour, little end first, red at bit 16; then raw, -223 and -308.
            events.append(.send([0, 0, 0, 0, 32, 24, 0, 1, 0, 255, 0, 255, 0, 255, 16, 8, 0, 0, 0, 0]))
            events.append(.send([2, 0, 0, 3, 0, 0, 0, 0, 255, 255, 255, 33, 255, 255, 254, 204]))
            events.append(.opened)
            phase = .message
        }
    }

    private mutating func rectangle(_ bytes: [UInt8], left: Int) throws(Broken) {
        let sides = stride(from: 0, to: 8, by: 2).map { Self.number(bytes[$0..<$0 + 2]) }
        let part = Rectangle(left: sides[0], top: sides[1], width: sides[2], height: sides[3])
        switch Int32(truncatingIfNeeded: Self.number(bytes[8...])) {
        case 0:
            guard part.left + part.width <= width, part.top + part.height <= height,
                part.width * part.height <= mostPixels
            else { throw Broken(cause: "a rectangle outside of what was asked for") }
            phase = .pixels(part, left: left)
        case -223:
            (width, height) = (part.width, part.height)
            phase = .rectangles(left)
        case -308: phase = .screenCount(part, left: left)
        case let encoding: throw Broken(cause: "an encoding \(encoding)")
        }
    }
}
