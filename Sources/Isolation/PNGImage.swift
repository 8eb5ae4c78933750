/// A picture as a PNG file (ISO/IEC 15948), 8 bits a channel, without transparency.
///
/// Every line is told as its difference from the line above, and only runs of one byte are shortened (RFC 1951,
/// fixed Huffman codes): a desktop is mostly runs, and the whole fits in a page.
struct PNGImage {
    let width: Int
    let height: Int
    /// Red, green, blue of each pixel, line after line: `width * height * 3` bytes.
    let pixels: [UInt8]

    /// nil unless both sides are positive and `pixels` fit them.
    init?(width: Int, height: Int, pixels: [UInt8]) {
        let (count, overflow) = width.multipliedReportingOverflow(by: height)
        guard width > 0, height > 0, !overflow, count <= 1 << 28, pixels.count == count * 3 else { return nil }
        self.width = width
        self.height = height
        self.pixels = pixels
    }

    /// The whole file.
    var file: [UInt8] {
        var bytes: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
        let header = bigEndian(UInt32(width)) + bigEndian(UInt32(height)) + [8, 2, 0, 0, 0]
        chunk("IHDR", header, into: &bytes)
        chunk("IDAT", compressed(filtered), into: &bytes)
        chunk("IEND", [], into: &bytes)
        return bytes
    }

    /// The lines, each behind the byte 2: filter type Up.
    private var filtered: [UInt8] {
        let line = width * 3
        return [UInt8](unsafeUninitializedCapacity: (line + 1) * height) { bytes, count in
            pixels.withUnsafeBufferPointer { pixels in
                for y in 0..<height {
                    let start = y * (line + 1)
                    bytes[start] = 2
                    for x in 0..<line {
                        let above = y > 0 ? pixels[(y - 1) * line + x] : 0
                        bytes[start + 1 + x] = pixels[y * line + x] &- above
                    }
                }
            }
            count = (line + 1) * height
        }
    }

    private func chunk(_ name: String, _ data: [UInt8], into bytes: inout [UInt8]) {
        bytes += bigEndian(UInt32(data.count))
        let content = Array(name.utf8) + data
        bytes += content
        bytes += bigEndian(CyclicRedundancyCheck.of(content))
    }
}

private func bigEndian(_ value: UInt32) -> [UInt8] {
    stride(from: 24, through: 0, by: -8).map { UInt8(truncatingIfNeeded: value >> UInt32($0)) }
}

/// The sum at the end of a chunk (ISO/IEC 15948, annex D).
private enum CyclicRedundancyCheck {
    private static let table: [UInt32] = (0..<256).map { index in
        (0..<8).reduce(UInt32(index)) { value, _ in value & 1 == 1 ? 0xEDB8_8320 ^ value >> 1 : value >> 1 }
    }

    static func of(_ bytes: [UInt8]) -> UInt32 {
        table.withUnsafeBufferPointer { table in
            bytes.withUnsafeBufferPointer { bytes in
                var sum: UInt32 = 0xFFFF_FFFF
                for index in 0..<bytes.count { sum = table[Int((sum ^ UInt32(bytes[index])) & 255)] ^ sum >> 8 }
                return ~sum
            }
        }
    }
}

/// `bytes` as a zlib stream (RFC 1950) of one block with fixed codes.
private func compressed(_ bytes: [UInt8]) -> [UInt8] {
    var output = BitWriter()
    output.bytes = [0x78, 0x01]
    output.write(0b011, 3)
    var first: UInt32 = 1
    var second: UInt32 = 0
    bytes.withUnsafeBufferPointer { bytes in
        var index = 0
        while index < bytes.count {
            let byte = bytes[index]
            var run = 1
            while index + run < bytes.count, run < 259, bytes[index + run] == byte { run += 1 }
            output.literal(byte)
            if run > 3 {
                output.repeated(run - 1)
            } else {
                run = 1
            }
            for _ in 0..<run {
                first = (first + UInt32(byte)) % 65521
                second = (second + first) % 65521
            }
            index += run
        }
    }
    output.write(0, 7)
    output.align()
    return output.bytes + bigEndian(second << 16 | first)
}

/// Bits from the lowest of each byte up, as RFC 1951 packs them.
private struct BitWriter {
    var bytes: [UInt8] = []
    private var held: UInt32 = 0
    private var count: UInt32 = 0

    mutating func write(_ value: UInt32, _ bits: UInt32) {
        held |= value << count
        count += bits
        while count >= 8 {
            bytes.append(UInt8(truncatingIfNeeded: held))
            held >>= 8
            count -= 8
        }
    }

    /// A Huffman code, which goes its highest bit first.
    private mutating func code(_ value: UInt32, _ bits: UInt32) {
        var turned: UInt32 = 0
        for bit in 0..<bits where value >> bit & 1 == 1 { turned |= 1 << (bits - 1 - bit) }
        write(turned, bits)
    }

    mutating func literal(_ byte: UInt8) {
        if byte < 144 { code(0x30 + UInt32(byte), 8) } else { code(0x190 + UInt32(byte) - 144, 9) }
    }

    /// The byte before, `length` (3–258) times more: a length code, its extra bits, and distance 1.
    mutating func repeated(_ length: Int) {
        var symbol = 285
        var extra: (value: Int, bits: Int) = (0, 0)
        if length < 11 {
            symbol = 254 + length
        } else if length < 258 {
            let above = length - 3
            let bits = Int.bitWidth - 1 - above.leadingZeroBitCount - 2
            symbol = 257 + bits * 4 + above >> bits
            extra = (above & (1 << bits - 1), bits)
        }
        if symbol < 280 { code(UInt32(symbol - 256), 7) } else { code(0xC0 + UInt32(symbol - 280), 8) }
        write(UInt32(extra.value), UInt32(extra.bits))
        code(0, 5)
    }

    mutating func align() { if count > 0 { write(0, 8 - count) } }
}
