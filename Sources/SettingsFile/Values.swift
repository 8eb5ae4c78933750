import Glibc

/// A decimal number in `range`, with nothing around it; nil when `text` is none.
func number(_ text: some StringProtocol, in range: ClosedRange<Int>) -> Int? {
    guard !text.isEmpty, text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
        let value = Int(text), range.contains(value)
    else { return nil }
    return value
}

/// A decimal number such as `2` or `1.5` in `range`, at most six digits on each side of the point; nil when `text` is
/// none.
func decimal(_ text: String, in range: ClosedRange<Double>) -> Double? {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    guard (1...2).contains(parts.count), parts.allSatisfy({ number($0, in: 0...999_999) != nil && $0.count <= 6 }),
        let value = Double(text), range.contains(value)
    else { return nil }
    return value
}

/// A time such as `500ms`, `5s`, `10m`, `24h` or `7d`, more than nothing and at most ten years.
func duration(_ text: String) -> Duration? {
    let digits = text.prefix { $0.isASCII && $0.isNumber }
    guard let value = number(digits, in: 1...315_360_000_000) else { return nil }
    let result: Duration
    switch text.dropFirst(digits.count) {
    case "ms": result = .milliseconds(value)
    case "s": result = .seconds(value)
    case "m": result = .seconds(value) * 60
    case "h": result = .seconds(value) * 3600
    case "d": result = .seconds(value) * 86400
    default: return nil
    }
    return result <= .seconds(315_360_000) ? result : nil
}

/// A time as ``duration(_:)`` reads it, a second or more.
func atLeastOneSecond(_ text: String) -> Duration? { duration(text).flatMap { $0 < .seconds(1) ? nil : $0 } }

/// `duration` in the largest unit that divides it, as ``duration(_:)`` reads it.
func written(_ duration: Duration) -> String {
    let (seconds, attoseconds) = duration.components
    if attoseconds != 0 { return "\(seconds * 1000 + attoseconds / 1_000_000_000_000_000)ms" }
    for (unit, length) in [("h", Int64(3600)), ("m", 60)] where seconds % length == 0 {
        return "\(seconds / length)\(unit)"
    }
    return "\(seconds)s"
}

/// A size such as `512M`, `4G` or `1T` in MiB, at most 16T; nil when `text` is none.
func mebibytes(_ text: String) -> Int? {
    let digits = text.prefix { $0.isASCII && $0.isNumber }
    guard let value = number(digits, in: 1...16_777_216) else { return nil }
    let result: Int
    switch text.dropFirst(digits.count) {
    case "M": result = value
    case "G": result = value << 10
    case "T": result = value << 20
    default: return nil
    }
    return result <= 16_777_216 ? result : nil
}

/// `size`, in MiB, in the largest unit that divides it, as ``mebibytes(_:)`` reads it.
func written(mebibytes size: Int) -> String {
    for (unit, shift) in [("T", 20), ("G", 10)] where size > 0 && size & ((1 << shift) - 1) == 0 {
        return "\(size >> shift)\(unit)"
    }
    return "\(size)M"
}

/// An IPv4 or IPv6 address or network such as `10.0.0.5`, `169.254.0.0/16` or `fe80::/10`.
func networkAddress(_ text: String) -> String? {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard (1...2).contains(parts.count), let address = parts.first else { return nil }
    var four = in_addr()
    var six = in6_addr()
    let bits =
        inet_pton(AF_INET, String(address), &four) == 1 ? 32 : inet_pton(AF_INET6, String(address), &six) == 1 ? 128 : 0
    guard bits > 0 else { return nil }
    if parts.count == 2, number(parts[1], in: 0...bits) == nil { return nil }
    return text
}

/// Whether `text` is printable ASCII without spaces.
func isWord(_ text: String) -> Bool { !text.isEmpty && text.utf8.allSatisfy { (0x21...0x7E).contains($0) } }

/// Whether `text` is one line without control characters.
func isLine(_ text: String) -> Bool {
    !text.isEmpty && text.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7F }
}

/// A path from the root on, without `..`.
func absolutePath(_ text: String) -> String? {
    text.hasPrefix("/") && isLine(text) && !text.split(separator: "/").contains("..") ? text : nil
}

/// A Unix socket's path, which the kernel limits (unix(7)).
func socketPath(_ text: String) -> String? { text.utf8.count <= 107 ? absolutePath(text) : nil }

/// A Unix account's or group's name.
func accountName(_ text: String) -> String? {
    isWord(text) && text.utf8.count <= 32 && !text.hasPrefix("-") && !text.contains(":") ? text : nil
}

/// A directory server's address.
func directoryAddress(_ text: String) -> String? {
    for scheme in ["ldap://", "ldaps://", "ldapi://"] where text.hasPrefix(scheme) {
        return text.utf8.count > scheme.utf8.count && isWord(text) ? text : nil
    }
    return nil
}

/// Text that may be a distinguished name (RFC 4514); the server judges it.
func distinguishedName(_ text: String) -> String? { text.contains("=") && isLine(text) ? text : nil }

extension Section {
    mutating func text(_ key: String, _ standard: String) -> String {
        value(key, standard, expected: "one line of text") { isLine($0) ? $0 : nil }
    }

    mutating func word(_ key: String, _ standard: String) -> String {
        value(key, standard, expected: "a name", accountName)
    }

    mutating func path(_ key: String, _ standard: String) -> String {
        value(key, standard, expected: "an absolute path", absolutePath)
    }

    mutating func socket(_ key: String, _ standard: String) -> String {
        value(key, standard, expected: "an absolute path of at most 107 bytes", socketPath)
    }

    mutating func number(_ key: String, _ standard: Int, in range: ClosedRange<Int>) -> Int {
        value(key, standard, expected: "\(range.lowerBound)-\(range.upperBound)") {
            SettingsFile.number($0, in: range)
        }
    }

    /// A size in MiB; 0 where the text is `0`.
    mutating func size(_ key: String, _ standard: Int, orNone: Bool = true) -> Int {
        value(key, standard, expected: "a size such as 512M or 4G" + (orNone ? ", or 0 for no limit" : "")) { text in
            orNone && text == "0" ? 0 : mebibytes(text)
        }
    }

    /// A number of sessions; 0: no limit.
    mutating func limit(_ key: String, _ standard: Int) -> Int { number(key, standard, in: 0...1_000_000) }

    mutating func id(_ key: String, _ standard: UInt32) -> UInt32 {
        UInt32(number(key, Int(standard), in: 1...4_294_967_294))
    }

    mutating func truth(_ key: String, _ standard: Bool) -> Bool {
        value(key, standard, expected: "true or false") { Bool($0) }
    }

    mutating func duration(_ key: String, _ standard: Duration) -> Duration {
        value(key, standard, expected: "a time such as 5s, 10m or 24h", SettingsFile.duration)
    }

    /// A time of a second or more.
    mutating func seconds(_ key: String, _ standard: Duration) -> Duration {
        value(key, standard, expected: "a time of 1s or more such as 10m or 24h", atLeastOneSecond)
    }

    /// An age that ends something: zero where there is no such age, nil where the file does not say.
    mutating func age(_ key: String) -> Duration? {
        optional(key, nil, expected: "a time of 1s or more such as 12h or 7d, or 0s for no limit") { text in
            ["0", "0s"].contains(text) ? .zero : atLeastOneSecond(text)
        }
    }
}
