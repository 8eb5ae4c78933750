import ControlProtocol

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Takes bytes as they come and gives whole lines: the control socket's framing, for both its sides.
public struct ControlLines: Sendable {
    /// A line grew past the limit: what follows on this connection means nothing.
    public struct TooLong: Error, Equatable, Sendable {}

    /// What came and was not yet taken; `start` is where the next line begins.
    private var bytes: [UInt8] = []
    private var start = 0
    /// Bytes before this one hold no newline: they are not searched twice.
    private var searched = 0
    private let limit: Int

    /// A splitter for lines of at most `limit` bytes, each with its newline.
    public init(limit: Int = controlFrameLimit) { self.limit = limit }

    /// Takes what was read.
    public mutating func append(_ more: some Sequence<UInt8>) {
        if start > 0 {
            bytes.removeSubrange(..<start)
            searched -= start
            start = 0
        }
        bytes.append(contentsOf: more)
    }

    /// The next whole line without its newline, or nil until more came. Throws when the line is too long, whether
    /// its end is there or not.
    public mutating func next() throws(TooLong) -> ArraySlice<UInt8>? {
        guard let end = bytes[searched...].firstIndex(of: UInt8(ascii: "\n")) else {
            searched = bytes.count
            guard bytes.count - start < limit else { throw TooLong() }
            return nil
        }
        guard end - start < limit else { throw TooLong() }
        defer {
            start = end + 1
            searched = start
        }
        return bytes[start..<end]
    }

    /// A frame's line with its newline; throws ``TooLong`` when the other side would not take it.
    public static func line<Body>(of frame: ControlFrame<Body>) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.withoutEscapingSlashes]
        var line = [UInt8](try encoder.encode(frame))
        line.append(UInt8(ascii: "\n"))
        guard line.count <= controlFrameLimit else { throw TooLong() }
        return line
    }

    /// The frame that `line` holds; throws `DecodingError`.
    public static func frame<Body>(in line: ArraySlice<UInt8>, of: Body.Type = Body.self) throws -> ControlFrame<Body> {
        try JSONDecoder().decode(ControlFrame<Body>.self, from: Data(line))
    }
}
