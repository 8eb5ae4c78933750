/// Base64 (RFC 4648 §4), whole texts and piece by piece.
public enum Base64 {
    /// Bytes that ``encode(_:into:)`` writes for `count` bytes.
    public static func encodedLength(_ count: Int) -> Int { (count + 2) / 3 * 4 }

    /// Writes `bytes` into `text`, which has room for ``encodedLength(_:)``; returns what it wrote.
    public static func encode(_ bytes: UnsafeRawBufferPointer, into text: UnsafeMutableRawBufferPointer) -> Int {
        guard text.count >= encodedLength(bytes.count) else { return 0 }
        var read = 0
        var written = 0
        while read < bytes.count {
            let left = bytes.count - read
            let triple =
                UInt32(bytes[read]) << 16 | (left > 1 ? UInt32(bytes[read + 1]) << 8 : 0)
                | (left > 2 ? UInt32(bytes[read + 2]) : 0)
            text[written] = digit(triple >> 18 & 63)
            text[written + 1] = digit(triple >> 12 & 63)
            text[written + 2] = left > 1 ? digit(triple >> 6 & 63) : 61
            text[written + 3] = left > 2 ? digit(triple & 63) : 61
            read += 3
            written += 4
        }
        return written
    }

    /// `bytes` as text.
    public static func encode(_ bytes: [UInt8]) -> String {
        let text = [UInt8](unsafeUninitializedCapacity: encodedLength(bytes.count)) { buffer, count in
            count = bytes.withUnsafeBytes { encode($0, into: UnsafeMutableRawBufferPointer(buffer)) }
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// The bytes of a whole, padded `text`; nil when it is not base64.
    public static func decode(_ text: [UInt8]) -> [UInt8]? {
        guard text.count % 4 == 0 else { return nil }
        var bytes = text
        var decoder = Base64Decoder()
        guard let count = bytes.withUnsafeMutableBytes({ decoder.decode($0) }), decoder.isAtBoundary else { return nil }
        return Array(bytes.prefix(count))
    }

    private static func digit(_ value: UInt32) -> UInt8 {
        switch UInt8(truncatingIfNeeded: value) {
        case let low where low < 26: low + 65
        case let low where low < 52: low + 71
        case let low where low < 62: low - 4
        case 62: 43
        default: 47
        }
    }
}

/// Decodes base64 that comes in pieces cut anywhere, in place.
public struct Base64Decoder: Sendable {
    private var bits: UInt32 = 0
    private var count = 0
    private var padding = 0

    /// A decoder at the start of a text.
    public init() {}

    /// Whether no character of a group is missing.
    public var isAtBoundary: Bool { count == 0 && padding == 0 }

    /// Overwrites the start of `bytes` with what they say; returns how many bytes that is, nil when a character has
    /// no place. A padded group ends a text, another may follow it.
    public mutating func decode(_ bytes: UnsafeMutableRawBufferPointer) -> Int? {
        var written = 0
        for byte in bytes {
            let value: UInt8
            switch byte {
            case 65...90: value = byte - 65
            case 97...122: value = byte - 71
            case 48...57: value = byte + 4
            case 43: value = 62
            case 47: value = 63
            case 61:
                // One sign after three characters, two after two.
                guard count >= 2 else { return nil }
                padding += 1
                if count + padding == 4 { (bits, count, padding) = (0, 0, 0) }
                continue
            default: return nil
            }
            guard padding == 0 else { return nil }
            bits = bits << 6 | UInt32(value)
            count += 1
            guard count > 1 else { continue }
            // A byte as soon as its eight bits are there: never more bytes than characters of this piece, so that none is
            // overwritten before it is read.
            bytes[written] = UInt8(truncatingIfNeeded: bits >> UInt32(8 - 2 * count))
            written += 1
            if count == 4 { (bits, count) = (0, 0) }
        }
        return written
    }
}
