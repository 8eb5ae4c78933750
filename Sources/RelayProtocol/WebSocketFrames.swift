/// What a viewer's WebSocket does wrong, with the code its close frame gets (RFC 6455 §7.4.1).
public enum WebSocketFault: UInt16, Error, Sendable {
    case protocolError = 1002, unacceptableData = 1003, tooBig = 1009
}

/// One thing found in a viewer's frames.
public enum WebSocketEvent: Equatable, Sendable {
    /// Everything is used up.
    case needMore
    /// Unmasked data of a message at these positions; `endsMessage` with the last of it.
    case data(Range<Int>, endsMessage: Bool)
    case ping([UInt8])
    case pong
    /// The viewer closes, with this code (1005 when it gave none).
    case close(UInt16)
    case broken(WebSocketFault)
}

/// Reads a viewer's frames (RFC 6455 §5) in pieces cut anywhere: data is unmasked in place and never gathered, so a
/// message of any length costs no memory.
public struct WebSocketReader: Sendable {
    /// A frame may announce at most this many bytes.
    public static let frameLimit: UInt64 = 16 * 1024 * 1024

    private enum Part { case header, payload }

    private let acceptsText: Bool
    private var part = Part.header
    /// The header's bytes so far, the first ones lowest.
    private var header: (UInt64, UInt64) = (0, 0)
    private var have = 0
    private var opcode: UInt8 = 0
    private var isFinal = false
    private var inMessage = false
    private var remaining: UInt64 = 0
    private var mask: UInt32 = 0
    /// A control frame's payload, at most 125 bytes.
    private var control: [UInt8] = []

    /// A reader for a viewer that sends text frames (subprotocol `base64`), or binary ones.
    public init(acceptsText: Bool) { self.acceptsText = acceptsText }

    /// The next thing in `bytes` from `position` on, which is moved behind it. Nothing more may be asked after
    /// `.broken` or `.close`.
    public mutating func next(_ bytes: UnsafeMutableRawBufferPointer, at position: inout Int) -> WebSocketEvent {
        while true {
            switch part {
            case .header:
                while have < 2 || have < length {
                    guard position < bytes.count else { return .needMore }
                    put(bytes[position])
                    position += 1
                    if have == 2, let fault = check() { return .broken(fault) }
                }
                if let fault = begin() { return .broken(fault) }
                if remaining == 0, let event = finished(position..<position) { return event }
            case .payload:
                guard position < bytes.count else { return .needMore }
                let count = Int(min(UInt64(bytes.count - position), remaining))
                let range = position..<position + count
                unmask(bytes, range)
                position += count
                remaining -= UInt64(count)
                if isControl { control.append(contentsOf: bytes[range]) }
                if remaining == 0 {
                    if let event = finished(range) { return event }
                } else if !isControl {
                    return .data(range, endsMessage: false)
                }
            }
        }
    }

    private var isControl: Bool { opcode & 8 != 0 }

    private func byte(_ index: Int) -> UInt8 {
        UInt8(truncatingIfNeeded: (index < 8 ? header.0 : header.1) >> UInt64(index % 8 * 8))
    }

    private mutating func put(_ byte: UInt8) {
        if have < 8 {
            header.0 |= UInt64(byte) << UInt64(have * 8)
        } else {
            header.1 |= UInt64(byte) << UInt64(have % 8 * 8)
        }
        have += 1
    }

    /// Bytes of this header, once two are there: two, the extended length, the mask.
    private var length: Int {
        switch byte(1) & 127 {
        case 126: 8
        case 127: 14
        default: 6
        }
    }

    /// RFC 6455 §5.1 (masked), §5.2 (no extension bits), §5.4 (fragments in order), §5.5 (control frames short and
    /// whole).
    private mutating func check() -> WebSocketFault? {
        let first = byte(0)
        guard first & 0x70 == 0, byte(1) & 0x80 != 0 else { return .protocolError }
        isFinal = first & 0x80 != 0
        opcode = first & 15
        switch opcode {
        case 0: return inMessage ? nil : .protocolError
        case 1: return inMessage ? .protocolError : acceptsText ? nil : .unacceptableData
        case 2: return inMessage ? .protocolError : acceptsText ? .unacceptableData : nil
        case 8, 9, 10: return isFinal && byte(1) & 127 <= 125 ? nil : .protocolError
        default: return .protocolError
        }
    }

    private mutating func begin() -> WebSocketFault? {
        let short = byte(1) & 127
        let extended = length - 6
        remaining = extended == 0 ? UInt64(short) : 0
        for index in 0..<extended { remaining = remaining << 8 | UInt64(byte(2 + index)) }
        guard remaining <= WebSocketReader.frameLimit else { return .tooBig }
        mask = 0
        for index in 0..<4 { mask |= UInt32(byte(2 + extended + index)) << UInt32(index * 8) }
        (header, have) = ((0, 0), 0)
        if !isControl { inMessage = !isFinal }
        part = .payload
        return nil
    }

    /// The mask turns with the bytes, so that the next piece starts with its first byte.
    private mutating func unmask(_ bytes: UnsafeMutableRawBufferPointer, _ range: Range<Int>) {
        for index in range {
            bytes[index] ^= UInt8(truncatingIfNeeded: mask)
            mask = mask >> 8 | mask << 24
        }
    }

    private mutating func finished(_ range: Range<Int>) -> WebSocketEvent? {
        part = .header
        guard isControl else {
            return range.isEmpty && !isFinal ? nil : .data(range, endsMessage: isFinal)
        }
        defer { control = [] }
        switch opcode {
        case 9: return .ping(control)
        case 10: return .pong
        default:
            // RFC 6455 §5.5.1: no payload, or two bytes of code first.
            guard control.count != 1 else { return .broken(.protocolError) }
            return .close(control.count < 2 ? 1005 : UInt16(control[0]) << 8 | UInt16(control[1]))
        }
    }
}

/// Frames of ours: never masked, never fragmented (RFC 6455 §5.1).
public enum WebSocketFrame {
    /// Room to leave before the payload for ``header(_:opcode:before:)``.
    public static let headerRoom = 10
    /// RFC 6455 §5.2.
    public static let text: UInt8 = 1, binary: UInt8 = 2, close: UInt8 = 8, ping: UInt8 = 9, pong: UInt8 = 10

    /// Writes the header of a frame with `count` bytes right before `payload`, which has ``headerRoom`` before it;
    /// returns the header's length.
    public static func header(_ count: Int, opcode: UInt8, before payload: UnsafeMutablePointer<UInt8>) -> Int {
        let length = count < 126 ? 2 : count < 65536 ? 4 : 10
        let start = payload - length
        start[0] = 0x80 | opcode
        start[1] = length == 2 ? UInt8(truncatingIfNeeded: count) : length == 4 ? 126 : 127
        for index in 2..<max(length, 2) {
            start[index] = UInt8(truncatingIfNeeded: count >> ((length - 1 - index) * 8))
        }
        return length
    }

    /// A control frame; `payload` is cut to 125 bytes.
    public static func control(_ opcode: UInt8, _ payload: [UInt8]) -> [UInt8] {
        let short = payload.prefix(125)
        return [0x80 | opcode, UInt8(short.count)] + short
    }

    /// A close frame with `code`.
    public static func closing(_ code: UInt16) -> [UInt8] {
        control(close, [UInt8(code >> 8), UInt8(truncatingIfNeeded: code)])
    }
}
