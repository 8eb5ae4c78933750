/// Text that must not reach a log: printing it shows only that it is there.
public struct Secret: Hashable, Codable, Sendable, CustomStringConvertible, CustomDebugStringConvertible,
    CustomReflectable
{
    /// The text itself, for the one place that needs it.
    public let exposed: String

    /// Wraps `text`.
    public init(_ text: String) { exposed = text }

    public init(from decoder: any Decoder) throws {
        exposed = try decoder.singleValueContainer().decode(String.self)
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(exposed)
    }

    public var description: String { "(secret)" }
    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, children: []) }

    /// 128 random bits as 32 lowercase hex digits: tokens, session tokens, data link keys.
    public static func token() -> Secret {
        var generator = SystemRandomNumberGenerator()
        return Secret(hexadecimal((0..<16).map { _ in UInt8.random(in: .min ... .max, using: &generator) }))
    }

    /// Whether `text` has the form of ``token()``.
    public static func isToken(_ text: some StringProtocol) -> Bool {
        text.utf8.count == 32
            && text.utf8.allSatisfy {
                (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
                    || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains($0)
            }
    }

    /// A display's viewer password: 8 characters of `[A-Za-z0-9]`, all that VncAuth uses (RFC 6143 §7.2.2).
    public static func viewerPassword() -> Secret {
        var generator = SystemRandomNumberGenerator()
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")
        return Secret(String((0..<8).map { _ in alphabet[Int.random(in: 0..<alphabet.count, using: &generator)] }))
    }
}

/// `bytes` as lowercase hex digits.
public func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
    let digits = Array("0123456789abcdef".utf8)
    var text: [UInt8] = []
    for byte in bytes {
        text.append(digits[Int(byte >> 4)])
        text.append(digits[Int(byte & 15)])
    }
    return String(decoding: text, as: UTF8.self)
}
