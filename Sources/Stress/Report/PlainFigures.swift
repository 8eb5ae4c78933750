// How figures are written for people, the same in text and on pages.

extension Double {
    /// Rounded to six digits after the point.
    var millionths: Double { rounded(to: 1e6) }
    /// Rounded to three digits after the point.
    var thousandths: Double { rounded(to: 1e3) }

    private func rounded(to scale: Double) -> Double { isFinite ? (self * scale).rounded() / scale : 0 }
}

/// `number` with at most `digits` after the point, and none that say nothing.
func decimalText(_ number: Double, digits: Int = 1) -> String {
    guard number.isFinite, abs(number) < 1e15 else { return "-" }
    let scale = (0..<digits).reduce(1) { scale, _ in scale * 10 }
    let scaled = Int((abs(number) * Double(scale)).rounded())
    var text = countText(scaled / scale)
    if scaled % scale != 0 {
        var rest = String(scaled % scale)
        rest = String(repeating: "0", count: digits - rest.count) + rest
        while rest.last == "0" { rest.removeLast() }
        text += "." + rest
    }
    return (number < 0 && scaled != 0 ? "-" : "") + text
}

/// `12,345`.
func countText(_ number: Int) -> String {
    var digits = String(number.magnitude)
    var groups: [String] = []
    while digits.count > 3 {
        groups.insert(String(digits.suffix(3)), at: 0)
        digits.removeLast(3)
    }
    return (number < 0 ? "-" : "") + ([digits] + groups).joined(separator: ",")
}

/// `1 start`, `2 starts`.
func countText(_ number: Int, _ what: String) -> String { "\(countText(number)) \(what)\(number == 1 ? "" : "s")" }

/// Seconds in the unit that suits them: `850 µs`, `41.2 ms`, `182 ms`, `1.24 s`, `42 s`, `5 min 2 s`, `2 h 5 min`.
func spanText(_ seconds: Double) -> String {
    guard seconds.isFinite, abs(seconds) < 1e12 else { return "-" }
    if seconds == 0 { return "0 s" }
    switch abs(seconds) {
    case ..<0.0009995: return decimalText(seconds * 1e6, digits: 0) + " µs"
    case ..<0.09995: return decimalText(seconds * 1e3) + " ms"
    case ..<0.9995: return decimalText(seconds * 1e3, digits: 0) + " ms"
    case ..<9.995: return decimalText(seconds, digits: 2) + " s"
    case ..<99.95: return decimalText(seconds) + " s"
    default: break
    }
    let whole = Int(seconds.rounded())
    let (large, small, names) =
        whole < 3600
        ? (whole / 60, whole % 60, ("min", "s")) : (whole / 3600, whole % 3600 / 60, ("h", "min"))
    return "\(large) \(names.0)" + (small == 0 ? "" : " \(small) \(names.1)")
}

/// KiB in the unit that suits them.
func memoryText(_ kibibytes: Double) -> String {
    switch abs(kibibytes) {
    case ..<1024: decimalText(kibibytes, digits: 0) + " KiB"
    case ..<(1024 * 1024): decimalText(kibibytes / 1024) + " MiB"
    default: decimalText(kibibytes / 1024 / 1024, digits: 2) + " GiB"
    }
}

/// Bytes in the unit that suits them, as networks count.
func bytesText(_ bytes: Double) -> String {
    switch abs(bytes) {
    case ..<1e3: decimalText(bytes, digits: 0) + " B"
    case ..<1e6: decimalText(bytes / 1e3) + " kB"
    case ..<1e9: decimalText(bytes / 1e6) + " MB"
    default: decimalText(bytes / 1e9, digits: 2) + " GB"
    }
}

/// A share as per cent.
func percentText(_ share: Double) -> String { decimalText(share * 100, digits: abs(share) < 0.1 ? 1 : 0) + " %" }

/// `text` on one line and at most `width` characters: it may have come from anywhere.
func oneLine(_ text: String, width: Int = 200) -> String {
    let line = String(
        text.unicodeScalars.map { scalar in
            scalar.properties.generalCategory == .control || scalar.properties.generalCategory == .format
                || scalar.properties.generalCategory == .lineSeparator
                || scalar.properties.generalCategory == .paragraphSeparator ? " " : Character(scalar)
        })
    return line.count <= width ? line : line.prefix(width - 1) + "…"
}
