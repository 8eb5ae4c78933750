import Glibc
import Synchronization

/// One line of JSON per event on standard error. Never a token: nobody hands one in.
struct RelayLog: Sendable {
    /// Writes `event` with what varies; values are quoted.
    static func write(_ event: String, _ fields: [(String, String)] = []) {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        var line = "{\"time\":\(time.tv_sec).\(padded(time.tv_nsec / 1_000_000)),\"event\":\(quoted(event))"
        for (key, value) in fields { line += ",\(quoted(key)):\(quoted(value))" }
        line += "}\n"
        var bytes = Array(line.utf8)
        _ = Glibc.write(2, &bytes, bytes.count)
    }

    private static func padded(_ milliseconds: Int) -> String {
        String(String(milliseconds + 1000).dropFirst())
    }

    private static func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": quoted += "\\\(scalar)"
            case _ where scalar.value < 32: quoted += " "
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }
}

/// How often connections ended for which reason.
final class Counters: Sendable {
    private let counts = Mutex<[String: UInt64]>([:])

    func count(_ cause: String) { counts.withLock { $0[cause, default: 0] += 1 } }

    /// Every reason with its count, in the order of the reasons.
    var fields: [(String, String)] {
        counts.withLock { $0 }.sorted { $0.key < $1.key }.map { ($0.key, "\($0.value)") }
    }
}
