import Glibc
import Synchronization

/// One line of JSON per event on standard error. Never a token: nobody hands one in.
struct RelayLog: Sendable {
    /// Writes `event` with what varies; values are quoted.
    static func write(_ event: String, _ fields: [(String, String)] = []) {
        var line: [UInt8] = []
        line.reserveCapacity(320)
        append(event, fields, to: &line)
        flush(&line)
    }

    /// Writes `lines`, and empties them.
    static func flush(_ lines: inout [UInt8]) {
        _ = Glibc.write(2, lines, lines.count)
        lines.removeAll(keepingCapacity: lines.count < 64 * 1024)
    }

    /// The same line as ``write(_:_:)`` has, for later.
    static func append(_ event: String, _ fields: [(String, String)], to line: inout [UInt8]) {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        line += "{\"time\":".utf8
        line += "\(time.tv_sec * 1000 + time.tv_nsec / 1_000_000)".utf8
        // Seconds with three digits more.
        line.insert(UInt8(ascii: "."), at: line.count - 3)
        line += ",\"event\":".utf8
        quote(event, &line)
        for (key, value) in fields {
            line.append(UInt8(ascii: ","))
            quote(key, &line)
            line.append(UInt8(ascii: ":"))
            quote(value, &line)
        }
        line += "}\n".utf8
    }

    private static func quote(_ text: String, _ line: inout [UInt8]) {
        line.append(UInt8(ascii: "\""))
        for byte in text.utf8 {
            if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { line.append(UInt8(ascii: "\\")) }
            line.append(byte < 32 ? 32 : byte)
        }
        line.append(UInt8(ascii: "\""))
    }
}

/// How often connections ended for which reason.
final class Counters: Sendable {
    private let counts = Mutex<[String: UInt64]>([:])

    func count(_ cause: String) { counts.withLock { $0[cause, default: 0] += 1 } }

    /// Every reason with its count.
    var all: [String: UInt64] { counts.withLock { $0 } }

    /// The same in the order of the reasons.
    var fields: [(String, String)] { all.sorted { $0.key < $1.key }.map { ($0.key, "\($0.value)") } }
}
