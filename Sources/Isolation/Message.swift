import CLinux
import Glibc
import SessionModel

/// A text in a window of xmessage(1) on a session's display, run as the session's user.
struct Message: Codable {
    /// Bytes of a text that is shown.
    static let length = 1024
    /// Characters of a line.
    static let columns = 70

    private let bytes: [UInt8]
    private let seconds: Int
    private let program: String
    private let entry: DisplayEntry

    /// `text`, as ``shown(_:)`` makes it, for at most `seconds`; `program` is xmessage's path.
    init(_ text: String, seconds: Int, program: String, entry: DisplayEntry) {
        bytes = Self.shown(text)
        self.seconds = max(1, min(seconds, 86_400))
        self.program = program
        self.entry = entry
    }

    /// In the display's cgroups: goes into its container and shows the window.
    func enter(reporting report: Int32) -> Never {
        entry.enter(reporting: report) {
        } prepare: {
            var pipe: [Int32] = [-1, -1]
            let output = open("/dev/null", O_WRONLY | O_CLOEXEC)
            // A pipe takes the whole text before anybody reads it.
            guard output >= 0, clinux_pipe(&pipe) == 0, writeAll(bytes, to: pipe[1]), chdir("/") == 0 else {
                DisplayEntry.give(up: "E", "the message's text", report)
            }
            _ = fcntl(pipe[0], F_SETFL, 0)
            // Nothing of the user's home decides how it looks, and a home that hangs does not hold it.
            return DisplayEntry.Program(
                arguments: [
                    program, "-title", "Message", "-center", "-timeout", "\(seconds)", "-buttons", "OK:0", "-default",
                    "OK", "-fn", "9x15bold", "-xrm", "*maxWidth: 720", "-file", "-",
                ], environment: entry.environment.merging(["HOME": "/", "PWD": "/"]) { $1 },
                descriptors: [pipe[0], output, output])
        }
    }

    /// `text` as xmessage shows it: ISO 8859-1, for that is what its font has, in lines of at most ``columns``
    /// characters, without control characters, at most ``length`` bytes; a longer text ends with three points.
    static func shown(_ text: String) -> [UInt8] {
        var lines: [[UInt8]] = []
        // One more than there is room for, so that it shows that the text was longer.
        let some = text.unicodeScalars.prefix(length + 1)
        for given in some.split(separator: "\n", omittingEmptySubsequences: false) {
            var line: [UInt8] = []
            for word in given.flatMap(Self.byte).split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false) {
                if !line.isEmpty, line.count + 1 + word.count > columns {
                    lines.append(line)
                    line = []
                } else if !line.isEmpty {
                    line.append(UInt8(ascii: " "))
                }
                line += word
                while line.count > columns {
                    lines.append(Array(line[..<columns]))
                    line.removeFirst(columns)
                }
            }
            lines.append(line)
        }
        let whole = Array(lines.joined(separator: [UInt8(ascii: "\n")]))
        return whole.count > length ? whole[..<(length - 3)] + Array("...".utf8) : whole
    }

    private static func byte(_ scalar: Unicode.Scalar) -> [UInt8] {
        switch scalar {
        case "\t": [UInt8(ascii: " ")]
        case _ where scalar.properties.generalCategory == .control: []
        case "\u{2010}"..."\u{2015}": [UInt8(ascii: "-")]
        case "\u{2018}", "\u{2019}": [UInt8(ascii: "'")]
        case "\u{201C}", "\u{201D}", "\u{201E}": [UInt8(ascii: "\"")]
        case "\u{2026}": Array("...".utf8)
        default: [UInt8(exactly: scalar.value) ?? UInt8(ascii: "?")]
        }
    }
}
