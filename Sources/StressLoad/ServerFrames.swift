import RelayProtocol

/// Reads the frames of a relay's WebSocket (RFC 6455 §5), which are not masked, in pieces cut anywhere; data are not gathered.
struct ServerFrames {
    /// One thing found.
    enum Event: Equatable {
        /// Everything is used up.
        case needMore
        /// Data of a message, at these positions.
        case data(Range<Int>)
        case ping([UInt8])
        /// The relay closes, with this code (1005 when it gave none).
        case close(UInt16)
    }

    private var header: [UInt8] = []
    private var left = 0
    private var opcode: UInt8 = 0
    private var control: [UInt8] = []

    /// The next thing in `bytes` from `position` on, which is moved behind it.
    mutating func next(_ bytes: UnsafeRawBufferPointer, at position: inout Int) throws(DisplayFault) -> Event {
        while true {
            if left > 0 {
                guard position < bytes.count else { return .needMore }
                let range = position..<position + min(left, bytes.count - position)
                position = range.upperBound
                left -= range.count
                if opcode <= 2 { return .data(range) }
                control += bytes[range]
                if left == 0, let event = controlCame() { return event }
                continue
            }
            guard position < bytes.count else { return .needMore }
            header.append(bytes[position])
            position += 1
            guard header.count >= 2, header.count >= headerLength else { continue }
            try begin()
            if left == 0, opcode > 2, let event = controlCame() { return event }
        }
    }

    private var headerLength: Int {
        switch header[1] & 127 {
        case 126: 4
        case 127: 10
        default: 2
        }
    }

    private mutating func begin() throws(DisplayFault) {
        // No extension was asked for, and a server masks nothing (RFC 6455 §5.1, §5.2).
        guard header[0] & 0x70 == 0, header[1] & 0x80 == 0 else {
            throw DisplayFault(cause: "a frame with wrong flags")
        }
        opcode = header[0] & 15
        guard opcode <= 2 || (8...10).contains(opcode) else { throw DisplayFault(cause: "a frame of no kind") }
        let length = header.count == 2 ? UInt64(header[1]) : header[2...].reduce(0) { $0 << 8 | UInt64($1) }
        guard length <= (opcode <= 2 ? 1 << 40 : 125) else { throw DisplayFault(cause: "an endless frame") }
        left = Int(length)
        header.removeAll(keepingCapacity: true)
    }

    private mutating func controlCame() -> Event? {
        defer { control = [] }
        switch opcode {
        case 8: return .close(control.count < 2 ? 1005 : UInt16(control[0]) << 8 | UInt16(control[1]))
        case 9: return .ping(control)
        default: return nil
        }
    }
}

/// A viewer's frames, whole and masked (RFC 6455 §5.3).
enum ViewerFrame {
    /// `payload`, of at most 65,535 bytes, masked with `mask`.
    static func masked(_ payload: [UInt8], opcode: UInt8 = WebSocketFrame.binary, mask: UInt32) -> [UInt8] {
        precondition(payload.count < 65_536)
        var frame: [UInt8] = [0x80 | opcode]
        frame.reserveCapacity(payload.count + 8)
        if payload.count < 126 {
            frame.append(0x80 | UInt8(payload.count))
        } else {
            frame += [0x80 | 126, UInt8(payload.count >> 8), UInt8(payload.count & 255)]
        }
        let key = withUnsafeBytes(of: mask.bigEndian) { Array($0) }
        frame += key
        for (index, byte) in payload.enumerated() { frame.append(byte ^ key[index & 3]) }
        return frame
    }
}
