/// A session's number, `session.sessnum`: 1 or more, never used twice.
public struct SessionNumber: Hashable, Codable, Sendable, Comparable, CustomStringConvertible {
    /// The number itself.
    public let value: UInt64

    /// A number known to be a session's; the database gave it.
    public init(_ value: UInt64) { self.value = value }

    /// Accepts exactly `^[0-9]+$` up to the width of the portal's column (contract: int unsigned), else throws.
    public init(parsing text: String) throws(MalformedName) {
        guard !text.isEmpty, text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
            let value = UInt32(text), value > 0
        else { throw MalformedName(expected: "a session number") }
        self.value = UInt64(value)
    }

    public init(from decoder: any Decoder) throws {
        value = try decoder.singleValueContainer().decode(UInt64.self)
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(value)
    }

    public var description: String { String(value) }

    public static func < (left: Self, right: Self) -> Bool { left.value < right.value }
}

/// A display's number on its host, 1–65535: X display `:N` inside its container.
public struct DisplayNumber: Hashable, Codable, Sendable, Comparable, CustomStringConvertible {
    /// The number itself.
    public let value: Int

    /// Throws when `value` is not in 1–65535.
    public init(_ value: Int) throws(MalformedName) {
        guard (1...65535).contains(value) else { throw MalformedName(expected: "a display number") }
        self.value = value
    }

    public init(from decoder: any Decoder) throws {
        try self.init(decoder.singleValueContainer().decode(Int.self))
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(value)
    }

    public var description: String { String(value) }

    public static func < (left: Self, right: Self) -> Bool { left.value < right.value }
}

/// A desktop's size in pixels, written `1024x768`; at most 9 characters, as the portal's columns hold.
public struct Geometry: Hashable, Codable, Sendable, CustomStringConvertible {
    /// Pixels, 16–9999.
    public let width: Int
    /// Pixels, 16–9999.
    public let height: Int

    /// The size an application gets that names none.
    public static let usual = Geometry(known: 1024, 768)

    private init(known width: Int, _ height: Int) {
        self.width = width
        self.height = height
    }

    /// Throws when a side is not in 16–9999.
    public init(width: Int, height: Int) throws(MalformedName) {
        guard (16...9999).contains(width), (16...9999).contains(height) else {
            throw MalformedName(expected: "a geometry such as 1024x768")
        }
        self.init(known: width, height)
    }

    /// Parses `WIDTHxHEIGHT`.
    public init(_ text: String) throws(MalformedName) {
        let sides = text.split(separator: "x", omittingEmptySubsequences: false)
        guard sides.count == 2, let width = Int(sides[0]), let height = Int(sides[1]), !text.contains("+") else {
            throw MalformedName(expected: "a geometry such as 1024x768")
        }
        try self.init(width: width, height: height)
    }

    public init(from decoder: any Decoder) throws {
        try self.init(decoder.singleValueContainer().decode(String.self))
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }

    public var description: String { "\(width)x\(height)" }
}
