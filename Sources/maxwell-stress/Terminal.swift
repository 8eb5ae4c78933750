import Glibc
import SessionModel
import Stress

/// Where a run is watched: standard error, so that the report stands alone on standard output.
enum Terminal {
    /// A block where somebody looks, lines where nobody does.
    static var style: LiveReport.Style {
        guard isatty(STDERR_FILENO) == 1 else { return .lines }
        var size = winsize()
        let isKnown = ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0
        return .block(columns: isKnown ? Int(size.ws_col) : 80)
    }

    /// Writes `text`; what cannot be written there can be told nowhere.
    static func say(_ text: String) {
        let bytes = Array(text.utf8)
        _ = write(STDERR_FILENO, bytes, bytes.count)
    }
}

/// Writes the sentence to standard error, its cause behind it.
func complain(_ error: any UserFacingError) {
    Terminal.say(error.userMessage + (error.operatorCause.map { " (\($0))" } ?? "") + "\n")
}

/// Now, for a report's head: `2026-11-21 21:40 UTC`.
func universalTime() -> String {
    var now = time(nil)
    var parts = tm()
    guard gmtime_r(&now, &parts) != nil else { return "" }
    func two(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
    let day = "\(parts.tm_year + 1900)-\(two(parts.tm_mon + 1))-\(two(parts.tm_mday))"
    return "\(day) \(two(parts.tm_hour)):\(two(parts.tm_min)) UTC"
}
