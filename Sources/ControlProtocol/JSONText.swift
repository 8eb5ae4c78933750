/// JSON to print: keys stay in the order they are given (RFC 8259).
enum JSONText {
    case text(String)
    case number(Int)
    case count(UInt64)
    /// A number with a point; null where it is not finite, which JSON cannot say.
    case real(Double)
    case bool(Bool)
    /// null.
    case nothing
    case list([JSONText])
    case object([(key: String, value: JSONText)])

    /// A text, or null.
    static func of(_ text: String?) -> JSONText { text.map(JSONText.text) ?? .nothing }

    /// A time in seconds, to the millisecond.
    static func seconds(_ seconds: Double) -> JSONText { .real((seconds * 1000).rounded() / 1000) }

    /// The value on one line, without its end.
    var line: String {
        switch self {
        case .text(let text): Self.quoted(text)
        case .number(let number): String(number)
        case .count(let count): String(count)
        case .real(let number): number.isFinite ? String(number) : "null"
        case .bool(let bool): bool ? "true" : "false"
        case .nothing: "null"
        case .list(let values): "[" + values.map(\.line).joined(separator: ",") + "]"
        case .object(let pairs):
            "{" + pairs.map { Self.quoted($0.key) + ":" + $0.value.line }.joined(separator: ",") + "}"
        }
    }

    private static func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": quoted += "\\\""
            case "\\": quoted += "\\\\"
            case "\n": quoted += "\\n"
            case "\r": quoted += "\\r"
            case "\t": quoted += "\\t"
            case "\u{0}"..."\u{1F}", "\u{7F}":
                let digits = String(scalar.value, radix: 16)
                quoted += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }
}
