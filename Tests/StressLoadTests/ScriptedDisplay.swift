/// What a display writes, byte for byte (RFC 6143 §7).
enum Wire16 {
    static func number(_ value: Int) -> [UInt8] { [UInt8(value >> 8 & 255), UInt8(value & 255)] }

    static func number32(_ value: UInt32) -> [UInt8] { withUnsafeBytes(of: value.bigEndian) { Array($0) } }

    /// FramebufferUpdate with these rectangles.
    static func update(_ rectangles: [[UInt8]]) -> [UInt8] {
        [0, 0] + number(rectangles.count) + Array(rectangles.joined())
    }

    static func rectangle(
        _ x: Int, _ y: Int, _ width: Int, _ height: Int, _ encoding: Int32, _ content: [UInt8]
    ) -> [UInt8] {
        number(x) + number(y) + number(width) + number(height) + number32(UInt32(bitPattern: encoding)) + content
    }

    static func raw(_ x: Int, _ y: Int, _ width: Int, _ height: Int, colour: UInt8 = 7) -> [UInt8] {
        rectangle(x, y, width, height, 0, [UInt8](repeating: colour, count: width * height * 4))
    }

    /// What a display says before its messages: no password, a desktop of that size.
    static func greeting(_ width: Int, _ height: Int) -> [[UInt8]] {
        [
            Array("RFB 003.008\n".utf8), [1, 1], [0, 0, 0, 0],
            number(width) + number(height) + [UInt8](repeating: 0, count: 16) + number32(4) + Array("name".utf8),
        ]
    }
}
