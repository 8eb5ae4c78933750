import Glibc

/// How a viewer wants its pixels (RFC 6143 §7.4): true colour in 8, 16 or 32 bits.
struct PixelLayout: Equatable {
    /// 32 bits, little end first, red at bit 16: what the display says of itself.
    static let usual = PixelLayout(
        bytes: 4, isBigEndian: false, red: Channel(most: 255, shift: 16), green: Channel(most: 255, shift: 8),
        blue: Channel(most: 255, shift: 0))

    private struct Channel: Equatable {
        let most: UInt32
        let shift: UInt32

        func placed(_ value: UInt32) -> UInt32 { ((value & 0xff) * most / 255) << shift }
    }

    /// Bytes of a pixel: 1, 2 or 4.
    let bytes: Int
    private let isBigEndian: Bool
    private let red: Channel
    private let green: Channel
    private let blue: Channel

    private init(bytes: Int, isBigEndian: Bool, red: Channel, green: Channel, blue: Channel) {
        self.bytes = bytes
        self.isBigEndian = isBigEndian
        self.red = red
        self.green = green
        self.blue = blue
    }

    /// The layout that the 16 bytes of PIXEL_FORMAT tell; nil for colour maps and what makes no sense.
    init?(_ told: [UInt8]) {
        guard told.count == 16, [8, 16, 32].contains(told[0]), told[3] != 0 else { return nil }
        let channels = (0..<3).map { index in
            Channel(
                most: UInt32(told[4 + 2 * index]) << 8 | UInt32(told[5 + 2 * index]), shift: UInt32(told[10 + index]))
        }
        guard channels.allSatisfy({ $0.most > 0 && $0.shift < UInt32(told[0]) }) else { return nil }
        self.init(
            bytes: Int(told[0]) / 8, isBigEndian: told[2] != 0, red: channels[0], green: channels[1],
            blue: channels[2])
    }

    /// The 16 bytes of PIXEL_FORMAT.
    var told: [UInt8] {
        let channels = [red, green, blue]
        return [UInt8(bytes * 8), bytes == 4 ? 24 : UInt8(bytes * 8), isBigEndian ? 1 : 0, 1]
            + channels.flatMap { [UInt8(truncatingIfNeeded: $0.most >> 8), UInt8(truncatingIfNeeded: $0.most)] }
            + channels.map { UInt8(truncatingIfNeeded: $0.shift) } + [0, 0, 0]
    }

    /// One pixel of a colour, red in bits 16 to 23.
    func pixel(_ colour: UInt32) -> [UInt8] {
        var pixel = [UInt8](repeating: 0, count: bytes)
        pixel.withUnsafeMutableBytes { paint(colour, into: $0, skipping: 0) }
        return pixel
    }

    /// Fills `target` with pixels of one colour, red in bits 16 to 23; `skipped` bytes of the first one are left out.
    func paint(_ colour: UInt32, into target: UnsafeMutableRawBufferPointer, skipping skipped: Int) {
        guard let start = target.baseAddress else { return }
        let value = red.placed(colour >> 16) | green.placed(colour >> 8) | blue.placed(colour)
        for place in 0..<min(bytes, target.count) {
            let byte = (skipped + place) % bytes
            target[place] = UInt8(truncatingIfNeeded: value >> UInt32((isBigEndian ? bytes - 1 - byte : byte) * 8))
        }
        var done = bytes
        while done < target.count {
            let count = min(done, target.count - done)
            memcpy(start + done, start, count)
            done += count
        }
    }
}
