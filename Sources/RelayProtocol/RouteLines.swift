import SessionModel

/// Where a token leads when no controller is asked: one line of a routes file.
public struct FileRoute: Equatable, Sendable {
    /// Whether the relay follows what the viewer says, or passes every byte unread.
    public enum Kind: String, Sendable {
        case rfb, tcp
    }

    /// A Unix socket's path; or a host, a name or numeric, and a port.
    public enum Place: Equatable, Sendable {
        case unix(String)
        case host(String, port: UInt16)
    }

    public let token: Secret
    public let kind: Kind
    public let place: Place
    public let mode: ViewMode

    /// Whether who came by `self` may stay when the file has `new` for the token: what it may do is still allowed there.
    public func permits(_ new: FileRoute?) -> Bool {
        guard let new else { return false }
        return new.kind == kind && new.place == place && (new.mode == .act || mode == .watch)
    }
}

/// What is wrong with a line of a routes file.
public struct RouteMistake: Equatable, Sendable, CustomStringConvertible {
    /// From 1 on; 0: the file as a whole.
    public let line: Int
    public let reason: String

    /// `line 12: …`.
    public var description: String { line == 0 ? reason : "line \(line): \(reason)" }
}

/// A routes file: lines `TOKEN rfb|tcp unix:/path|HOST:PORT [readonly]`, fields apart by blanks or tabs; `#` begins a
/// comment, and empty lines count for nothing.
public struct RouteLines: Equatable, Sendable {
    /// Most bytes of a file.
    public static let limit = 16 * 1024 * 1024

    /// By token.
    public private(set) var routes: [String: FileRoute] = [:]
    /// In the order of the lines; a line with a mistake makes no route.
    public private(set) var mistakes: [RouteMistake] = []

    /// Reads a whole file.
    public init(_ bytes: some Collection<UInt8>) {
        var number = 0
        for line in bytes.split(separator: 10, omittingEmptySubsequences: false) {
            number += 1
            let fields = line.prefix { $0 != 35 }.split { $0 == 32 || $0 == 9 || $0 == 13 }
            if fields.isEmpty { continue }
            do throws(Fault) {
                let route = try RouteLines.route(fields.map { String(decoding: $0, as: UTF8.self) })
                guard routes.updateValue(route, forKey: route.token.exposed) == nil else {
                    throw Fault(reason: "this token has a line already")
                }
            } catch {
                mistakes.append(RouteMistake(line: number, reason: error.reason))
            }
        }
    }

    private struct Fault: Error {
        let reason: String
    }

    private static func route(_ fields: [String]) throws(Fault) -> FileRoute {
        guard (3...4).contains(fields.count) else {
            throw Fault(reason: "expected TOKEN rfb|tcp unix:/path|HOST:PORT [readonly]")
        }
        guard Secret.isToken(fields[0]) else {
            throw Fault(reason: "expected a token of 32 digits 0-9a-f (openssl rand -hex 16)")
        }
        guard let kind = FileRoute.Kind(rawValue: fields[1]) else {
            throw Fault(reason: "expected rfb or tcp, found \(quoted(fields[1]))")
        }
        if fields.count == 4, fields[3] != "readonly" {
            throw Fault(reason: "expected readonly, found \(quoted(fields[3]))")
        }
        guard fields.count == 3 || kind == .rfb else {
            throw Fault(reason: "tcp passes bytes unread: it cannot be readonly")
        }
        return FileRoute(
            token: Secret(fields[0]), kind: kind, place: try place(fields[2]), mode: fields.count == 4 ? .watch : .act)
    }

    private static func place(_ text: String) throws(Fault) -> FileRoute.Place {
        if text.hasPrefix("unix:") {
            let path = String(text.dropFirst(5))
            // unix(7): sun_path has 108 bytes, with its end.
            guard path.hasPrefix("/"), path.utf8.count < 108, !path.utf8.contains(0) else {
                throw Fault(reason: "expected unix: and an absolute path of at most 107 bytes")
            }
            return .unix(path)
        }
        let expected = "expected unix:/path, HOST:PORT or [IPv6]:PORT, found \(quoted(text))"
        guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]), port > 0 else {
            throw Fault(reason: expected)
        }
        var host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]"), host.contains(":") {
            host = host.dropFirst().dropLast()
        } else if host.contains(":") {
            throw Fault(reason: expected)
        }
        guard !host.isEmpty, host.utf8.count <= 253, host.utf8.allSatisfy(isHostByte) else {
            throw Fault(reason: expected)
        }
        return .host(String(host), port: port)
    }

    private static func isHostByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 48...57, 65...90, 97...122: true
        default: "-._:%".utf8.contains(byte)
        }
    }

    /// What stands in the file, short and printable.
    private static func quoted(_ text: String) -> String {
        "'\(String(decoding: text.utf8.prefix(40).map { (32...126).contains($0) ? $0 : 63 }, as: UTF8.self))'"
    }
}
