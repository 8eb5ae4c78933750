/// Where an application may connect to. What comes from outside reaches no application, whatever the policy.
public enum NetworkPolicy: Hashable, Codable, Sendable {
    /// Nothing leaves its container, not even to the host.
    case none
    /// Only these.
    case allow([NetworkTarget])
    /// Everything but what the gateway's settings deny to all.
    case open
}

/// A port of a machine.
public struct NetworkTarget: Hashable, Codable, Sendable, CustomStringConvertible {
    /// What is spoken there.
    public enum Transport: String, Hashable, Codable, Sendable { case tcp, udp }

    /// A name, or an IPv4 or IPv6 address without brackets.
    public let host: String
    /// 1–65535.
    public let port: Int
    public let transport: Transport

    /// Reads `host:port`, `10.1.2.3:830`, `[2001:db8::1]:443` or one of them with `/udp`; nil when it is none.
    public init?(_ text: String) {
        var rest = text[...]
        var transport = Transport.tcp
        if let slash = rest.lastIndex(of: "/") {
            guard let named = Transport(rawValue: String(rest[rest.index(after: slash)...])) else { return nil }
            transport = named
            rest = rest[..<slash]
        }
        guard let colon = rest.lastIndex(of: ":") else { return nil }
        let digits = rest[rest.index(after: colon)...]
        guard !digits.isEmpty, digits.utf8.count <= 5, digits.utf8.allSatisfy({ (48...57).contains($0) }),
            let port = Int(digits), (1...65535).contains(port)
        else { return nil }
        var host = rest[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = host.dropFirst().dropLast()
            guard host.contains(":"), host.utf8.allSatisfy({ Self.isAddress($0) }) else { return nil }
        } else {
            guard !host.hasPrefix("-"), !host.hasPrefix("."), host.utf8.allSatisfy({ Self.isName($0) }) else {
                return nil
            }
        }
        guard !host.isEmpty, host.utf8.count <= 253 else { return nil }
        self.host = String(host)
        self.port = port
        self.transport = transport
    }

    /// As ``init(_:)`` reads it.
    public var description: String {
        (host.contains(":") ? "[\(host)]" : host) + ":\(port)" + (transport == .udp ? "/udp" : "")
    }

    /// Reads what ``description`` writes: what a message brings is no less checked than what a file says.
    public init(from decoder: any Decoder) throws {
        let text = try decoder.singleValueContainer().decode(String.self)
        guard let target = Self(text) else { throw MalformedName(expected: "host:port, or host:port/udp") }
        self = target
    }

    /// Writes ``description``.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }

    private static func isName(_ byte: UInt8) -> Bool {
        switch byte {
        case 48...57, 65...90, 97...122, UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"): true
        default: false
        }
    }

    private static func isAddress(_ byte: UInt8) -> Bool {
        switch byte {
        case 48...57, 65...70, 97...102, UInt8(ascii: ":"), UInt8(ascii: "."): true
        default: false
        }
    }
}
