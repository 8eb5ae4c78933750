/// The first line of a host's data process: `OK\n`, then the display's bytes, or `NO <reason>\n`.
public enum DataLinkAnswer: Equatable, Sendable {
    case undecided
    /// The display's bytes follow after this many.
    case open(Int)
    case refused(String)
    case malformed

    /// Reads `bytes`, everything received so far; a line has at most 200 bytes, of which only printable ones are kept.
    public init(_ bytes: [UInt8]) {
        guard let newline = bytes.firstIndex(of: 10) else {
            self = bytes.count > 200 ? .malformed : .undecided
            return
        }
        let line = bytes[..<newline].filter { (32...126).contains($0) }
        if line == Array("OK".utf8) {
            self = .open(newline + 1)
        } else if line.starts(with: "NO ".utf8), line.count <= 200 {
            self = .refused(String(decoding: line.dropFirst(3), as: UTF8.self))
        } else {
            self = .malformed
        }
    }
}
