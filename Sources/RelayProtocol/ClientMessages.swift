import SessionModel

/// What a viewer sent that ends its view.
public enum ClientMessageFault: Equatable, Sendable, Error {
    case unknownMessage(UInt8)
    case malformed(UInt8)

    /// In the words of the log.
    public var cause: String {
        switch self {
        case .unknownMessage(let type): "unknown message \(type)"
        case .malformed(let type): "malformed message \(type)"
        }
    }
}

/// Follows a viewer's messages (RFC 6143 §7.5 and the extensions of TigerVNC, noVNC and the portal's viewers) in
/// pieces cut anywhere, and lets through what its mode and its display allow.
///
/// Xvnc 1.12 dies of a size from a viewer whose SetEncodings named neither DesktopSize nor ExtendedDesktopSize: such
/// a size waits here, the last one counts, until one is named.
public struct ClientMessages: Sendable {
    /// ``filter(_:into:)`` writes at most this many bytes for `count` bytes: the portal's size of 6 becomes 24.
    public static func outputRoom(for count: Int) -> Int { count * 4 + 64 }
    /// Sides of a desktop that go to the display, in pixels.
    public static let sides: ClosedRange<UInt16> = 16...4096
    /// A clipboard has at most this many bytes.
    public static let clipboardLimit: UInt32 = 16 * 1024 * 1024

    private enum Body { case pass, drop, encodings }

    private let mode: ViewMode
    /// The message's fixed part so far, at most 20 bytes, the first ones lowest.
    private var fixed: (UInt64, UInt64, UInt64) = (0, 0, 0)
    private var have = 0
    private var body = Body.pass
    private var bodyLeft: UInt32 = 0
    private var encoding: UInt32 = 0
    private var named = Announced()
    private var announced = Announced()
    private var waiting: (width: UInt16, height: UInt16)?

    private struct Announced: Sendable {
        var desktopSize = false
        var fence = false
        var continuousUpdates = false
    }

    /// A filter at the first message after ClientInit.
    public init(mode: ViewMode) { self.mode = mode }

    /// Writes what of `input` goes to the display into `output`, which has room for ``outputRoom(for:)``; returns
    /// how many bytes that is. After a fault nothing more may be asked.
    public mutating func filter(
        _ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer
    ) throws(ClientMessageFault) -> Int {
        precondition(output.count >= ClientMessages.outputRoom(for: input.count))
        var read = 0
        var out = Writer(bytes: output)
        while read < input.count {
            if bodyLeft > 0 {
                let count = min(input.count - read, Int(bodyLeft))
                switch body {
                case .pass: out.put(UnsafeRawBufferPointer(rebasing: input[read..<read + count]))
                case .drop: break
                case .encodings:
                    out.put(UnsafeRawBufferPointer(rebasing: input[read..<read + count]))
                    for index in read..<read + count {
                        encoding = encoding << 8 | UInt32(input[index])
                        bodyLeft -= 1
                        if bodyLeft % 4 == 0 { note(Int32(bitPattern: encoding)) }
                    }
                    read += count
                    if bodyLeft == 0 { encodingsNamed(&out) }
                    continue
                }
                read += count
                bodyLeft -= UInt32(count)
                continue
            }
            put(input[read])
            read += 1
            guard have >= (try fixedLength()) else { continue }
            try begin(&out)
            (fixed, have) = ((0, 0, 0), 0)
        }
        return out.count
    }

    private func byte(_ index: Int) -> UInt8 {
        let word = index < 8 ? fixed.0 : index < 16 ? fixed.1 : fixed.2
        return UInt8(truncatingIfNeeded: word >> UInt64(index % 8 * 8))
    }

    private func number16(_ index: Int) -> UInt16 { UInt16(byte(index)) << 8 | UInt16(byte(index + 1)) }

    private func number32(_ index: Int) -> UInt32 { UInt32(number16(index)) << 16 | UInt32(number16(index + 2)) }

    private mutating func put(_ byte: UInt8) {
        let value = UInt64(byte) << UInt64(have % 8 * 8)
        switch have / 8 {
        case 0: fixed.0 |= value
        case 1: fixed.1 |= value
        default: fixed.2 |= value
        }
        have += 1
    }

    private func fixedLength() throws(ClientMessageFault) -> Int {
        switch byte(0) {
        case 0: 20  // SetPixelFormat
        case 2: 4  // SetEncodings
        case 3: 10  // FramebufferUpdateRequest
        case 4: 8  // KeyEvent
        case 5: 6  // PointerEvent
        case 6: 8  // ClientCutText
        case 32: 6  // the portal's RequestFBSize
        case 150: 10  // EnableContinuousUpdates
        case 248: 9  // Fence
        case 250: 4  // xvp
        case 251: 8  // SetDesktopSize
        case 253: 4  // gii
        case 255: 12  // QEMU extended key
        case let type: throw .unknownMessage(type)
        }
    }

    /// The fixed part is there: decides about it and what follows it.
    private mutating func begin(_ out: inout Writer) throws(ClientMessageFault) {
        let mayAct = mode == .act
        switch byte(0) {
        case 2:
            named = Announced()
            pass(true, UInt32(number16(2)) * 4, &out)
            body = .encodings
            if bodyLeft == 0 { encodingsNamed(&out) }
        case 4, 5: pass(mayAct, 0, &out)
        case 6:
            // Extended clipboard: a negative length says how many bytes follow, at least the 4 of its flags.
            let length = Int32(bitPattern: number32(4))
            guard length.magnitude <= ClientMessages.clipboardLimit, length >= 0 || length <= -4 else {
                throw .malformed(6)
            }
            pass(mayAct, length.magnitude, &out)
        case 32:
            guard byte(1) == 42 else { throw .malformed(32) }
            want(number16(2), number16(4), &out)
        case 150: pass(announced.continuousUpdates, 0, &out)
        case 248:
            guard byte(8) <= 64 else { throw .malformed(248) }
            pass(announced.fence, UInt32(byte(8)), &out)
        case 250:
            // Xvnc has no xvp and would end the viewer.
            pass(false, 0, &out)
        case 251:
            let (width, height, screens) = (number16(2), number16(4), UInt32(byte(6)))
            let fits = fit(width, height)
            if mayAct, fits, !announced.desktopSize { waiting = (width, height) }
            pass(mayAct && fits && announced.desktopSize && screens > 0, screens * 16, &out)
        case 253:
            // Its second byte's highest bit tells in which order the length's two bytes come. Xvnc has no gii and would
            // end the viewer; it may carry what a mouse or a tablet says.
            let length = number16(2)
            pass(false, UInt32(byte(1) & 0x80 == 0 ? length.byteSwapped : length), &out)
        case 255:
            guard byte(1) == 0 else { throw .malformed(255) }
            pass(mayAct, 0, &out)
        default: pass(true, 0, &out)
        }
    }

    private mutating func pass(_ allowed: Bool, _ following: UInt32, _ out: inout Writer) {
        if allowed { for index in 0..<have { out.put(byte(index)) } }
        body = allowed ? .pass : .drop
        bodyLeft = following
    }

    private func fit(_ width: UInt16, _ height: UInt16) -> Bool {
        ClientMessages.sides.contains(width) && ClientMessages.sides.contains(height)
    }

    private mutating func want(_ width: UInt16, _ height: UInt16, _ out: inout Writer) {
        guard mode == .act, fit(width, height) else { return }
        if announced.desktopSize {
            out.desktopSize(width, height)
        } else {
            waiting = (width, height)
        }
    }

    private mutating func note(_ encoding: Int32) {
        switch encoding {
        case -223, -308: named.desktopSize = true
        case -312: named.fence = true
        case -313: named.continuousUpdates = true
        default: break
        }
    }

    private mutating func encodingsNamed(_ out: inout Writer) {
        announced = named
        if announced.desktopSize, let size = waiting {
            waiting = nil
            out.desktopSize(size.width, size.height)
        }
    }
}

private struct Writer {
    let bytes: UnsafeMutableRawBufferPointer
    var count = 0

    mutating func put(_ byte: UInt8) {
        bytes[count] = byte
        count += 1
    }

    mutating func put(_ more: UnsafeRawBufferPointer) {
        UnsafeMutableRawBufferPointer(rebasing: bytes[count...]).copyMemory(from: more)
        count += more.count
    }

    /// SetDesktopSize with one screen, as the community's RFB specification has it.
    mutating func desktopSize(_ width: UInt16, _ height: UInt16) {
        put(251 as UInt8)
        put(0 as UInt8)
        put16(width)
        put16(height)
        put(1 as UInt8)
        for _ in 0..<9 { put(0 as UInt8) }
        put16(width)
        put16(height)
        for _ in 0..<4 { put(0 as UInt8) }
    }

    private mutating func put16(_ number: UInt16) {
        put(UInt8(number >> 8))
        put(UInt8(truncatingIfNeeded: number))
    }
}
