/// A string that is not what its type asks for.
public struct MalformedName: Error, Equatable, Sendable {
    /// What was expected, in the words of a refusal: "a user name", "a host name".
    public let expected: String
}

/// A value that was parsed once from text and is known to be well formed from then on.
public protocol ParsedName: Hashable, Codable, Sendable, CustomStringConvertible, Comparable {
    /// The text, as it came.
    var text: String { get }
    /// What a refusal calls it: "a user name".
    static var expected: String { get }
    /// Whether `text` may become such a name.
    static func accepts(_ text: String) -> Bool
    /// Keeps `text` without looking at it; only ``init(_:)`` calls it.
    init(known text: String)
}

extension ParsedName {
    /// Parses `text`, or throws ``MalformedName``.
    public init(_ text: String) throws(MalformedName) {
        guard Self.accepts(text) else { throw MalformedName(expected: Self.expected) }
        self.init(known: text)
    }

    public init(from decoder: any Decoder) throws {
        try self.init(decoder.singleValueContainer().decode(String.self))
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(text)
    }

    public var description: String { text }

    public static func < (left: Self, right: Self) -> Bool { left.text < right.text }
}

/// An account's name: 1–32 bytes, `[A-Za-z0-9_]` first, then also `.`, `-` and `@`. 32 is the width of the
/// portal's `username` columns.
public struct UserName: ParsedName {
    public let text: String
    public init(known text: String) { self.text = text }
    public static let expected = "a user name"
    public static func accepts(_ text: String) -> Bool {
        lies(text, in: 1...32, first: { isAlphanumeric($0) || $0 == UInt8(ascii: "_") }) {
            isAlphanumeric($0) || "_.-@".utf8.contains($0)
        }
    }
}

/// An execution host's name as the portal's `host` table has it: 1–40 bytes of `[A-Za-z0-9._-]`.
public struct HostName: ParsedName {
    public let text: String
    public init(known text: String) { self.text = text }
    public static let expected = "a host name"
    public static func accepts(_ text: String) -> Bool {
        lies(text, in: 1...40, first: isAlphanumeric) { isAlphanumeric($0) || "._-".utf8.contains($0) }
    }
}

/// A zone's name: 1–40 bytes of `[A-Za-z0-9._-]`.
public struct ZoneName: ParsedName {
    public let text: String
    public init(known text: String) { self.text = text }
    public static let expected = "a zone name"
    public static func accepts(_ text: String) -> Bool {
        lies(text, in: 1...40, first: isAlphanumeric) { isAlphanumeric($0) || "._-".utf8.contains($0) }
    }
}

/// An application's name, with the portal's suffix where it has one (`workspace_r12`, `workspace_dev`):
/// 1–80 bytes of `[A-Za-z0-9._-]`.
public struct ApplicationName: ParsedName {
    public let text: String
    public init(known text: String) { self.text = text }
    public static let expected = "an application name"
    public static func accepts(_ text: String) -> Bool {
        lies(text, in: 1...80, first: isAlphanumeric) { isAlphanumeric($0) || "._-".utf8.contains($0) }
    }
}

private func isAlphanumeric(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"):
        true
    default: false
    }
}

private func lies(
    _ text: String, in length: ClosedRange<Int>, first: (UInt8) -> Bool, rest: (UInt8) -> Bool
) -> Bool {
    let bytes = text.utf8
    guard length.contains(bytes.count), let head = bytes.first, first(head) else { return false }
    return bytes.dropFirst().allSatisfy(rest)
}
