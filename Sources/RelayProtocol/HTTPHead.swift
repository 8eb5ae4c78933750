/// A request's head (RFC 9112 §2–§5), read only as far as the relay must: it never rewrites one.
public struct HTTPHead: Equatable, Sendable {
    /// A head has at most this many bytes, its empty line included.
    public static let limit = 16 * 1024

    /// Why bytes are no request head.
    public enum Fault: Error, Equatable, Sendable {
        case oversized, malformed
    }

    public let method: String
    public let target: String
    /// 0 or 1: HTTP/1.0 or HTTP/1.1.
    public let minorVersion: Int
    /// Bytes of the head with its empty line: what follows is the body or another protocol.
    public let length: Int
    private let fields: [Field]

    private struct Field: Equatable {
        let name: String
        let value: String
    }

    /// Reads the head at the start of `bytes`; nil when it has not ended yet.
    public static func parse(_ bytes: [UInt8]) throws(Fault) -> HTTPHead? {
        guard let length = end(of: bytes) else {
            if bytes.count >= limit { throw .oversized }
            return nil
        }
        guard length <= limit else { throw .oversized }
        var lines = bytes[..<length].split(separator: 10, omittingEmptySubsequences: false).map { line in
            line.last == 13 ? line.dropLast() : line
        }
        // RFC 9112 §2.2: text outside the field values is US-ASCII; a control character anywhere is refused.
        for line in lines where line.contains(where: { $0 < 32 && $0 != 9 || $0 == 127 }) { throw .malformed }
        let words = lines.removeFirst().split(separator: 32, omittingEmptySubsequences: false)
        guard words.count == 3, !words[0].isEmpty, !words[1].isEmpty, words[0].allSatisfy(isUppercase),
            words[1].allSatisfy({ (33...126).contains($0) })
        else { throw .malformed }
        let minor: Int
        switch String(decoding: words[2], as: UTF8.self) {
        case "HTTP/1.1": minor = 1
        case "HTTP/1.0": minor = 0
        default: throw .malformed
        }
        var fields: [Field] = []
        for line in lines where !line.isEmpty {
            // RFC 9112 §5.1 and §5.2: no space before the colon, no folded lines.
            guard let colon = line.firstIndex(of: 58), colon > line.startIndex, line[..<colon].allSatisfy(isTokenByte)
            else { throw .malformed }
            fields.append(
                Field(
                    name: String(decoding: line[..<colon], as: UTF8.self).lowercased(),
                    value: trimmed(line[(colon + 1)...])))
        }
        return HTTPHead(
            method: String(decoding: words[0], as: UTF8.self), target: String(decoding: words[1], as: UTF8.self),
            minorVersion: minor, length: length, fields: fields)
    }

    /// The values of every field called `name` (in lower case), joined as RFC 9110 §5.3 allows; nil without one.
    public func value(_ name: String) -> String? {
        let values = fields.filter { $0.name == name }.map(\.value)
        return values.isEmpty ? nil : values.joined(separator: ", ")
    }

    /// Whether the comma-separated list `name` has `token`, without regard to case.
    public func list(_ name: String, has token: String) -> Bool {
        list(name).contains { $0.lowercased() == token }
    }

    /// The members of the comma-separated list `name`.
    public func list(_ name: String) -> [String] {
        (value(name) ?? "").split(separator: ",").map { trimmed($0.utf8) }.filter { !$0.isEmpty }
    }

    /// The target before its `?`.
    public var path: String { String(target.prefix { $0 != "?" }) }

    /// The first value of `key` in the target's query, as it stands there.
    public func query(_ key: String) -> String? {
        guard let mark = target.firstIndex(of: "?") else { return nil }
        for pair in target[target.index(after: mark)...].split(separator: "&") where pair.hasPrefix(key + "=") {
            return String(pair.dropFirst(key.count + 1))
        }
        return nil
    }

    private static func end(of bytes: [UInt8]) -> Int? {
        var index = 0
        while index < min(bytes.count, limit), let newline = bytes[index...].firstIndex(of: 10) {
            if bytes.count > newline + 1, bytes[newline + 1] == 10 { return newline + 2 }
            if bytes.count > newline + 2, bytes[newline + 1] == 13, bytes[newline + 2] == 10 { return newline + 3 }
            index = newline + 1
        }
        return nil
    }
}

private func isUppercase(_ byte: UInt8) -> Bool { (65...90).contains(byte) }

private func isTokenByte(_ byte: UInt8) -> Bool {
    switch byte {
    case 48...57, 65...90, 97...122: true
    default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
    }
}

private func trimmed(_ bytes: some BidirectionalCollection<UInt8>) -> String {
    var rest = bytes[...]
    while let first = rest.first, first == 32 || first == 9 { rest.removeFirst() }
    while let last = rest.last, last == 32 || last == 9 { rest.removeLast() }
    return String(decoding: rest, as: UTF8.self)
}
