/// Takes exactly as many bytes from a channel as a message has.
final class Reader {
    private let channel: any Channel
    private var buffer: [UInt8] = []
    private var start = 0
    /// Bytes that came so far.
    private(set) var received: UInt64 = 0

    init(_ channel: any Channel) { self.channel = channel }

    /// The next `count` bytes; `what` names them in an error.
    func take(_ count: Int, _ what: String, by deadline: Deadline) throws(ViewError) -> [UInt8] {
        while buffer.count - start < count {
            if start > 0 {
                buffer.removeFirst(start)
                start = 0
            }
            let bytes = try channel.receive(upTo: 65536, what, by: deadline)
            guard !bytes.isEmpty else { throw .closed(waitingFor: what) }
            received += UInt64(bytes.count)
            buffer += bytes
        }
        defer { start += count }
        return Array(buffer[start..<start + count])
    }

    /// The next number, most significant byte first, as RFB and WebSocket have them.
    func number<Number: FixedWidthInteger>(_ what: String, by deadline: Deadline) throws(ViewError) -> Number {
        try take(MemoryLayout<Number>.size, what, by: deadline).reduce(Number(0)) { sum, byte in
            Number.bitWidth == 8 ? Number(truncatingIfNeeded: byte) : sum << 8 | Number(truncatingIfNeeded: byte)
        }
    }

    /// Text after its 32-bit length, at most 1 MiB; bytes that are not UTF-8 are replaced.
    func text(_ what: String, by deadline: Deadline) throws(ViewError) -> String {
        let length: UInt32 = try number(what, by: deadline)
        guard length <= 1 << 20 else { throw .broken("\(what) of \(length) bytes") }
        return String(decoding: try take(Int(length), what, by: deadline), as: UTF8.self)
    }
}

extension FixedWidthInteger {
    /// Its bytes, most significant first.
    var bigEndianBytes: [UInt8] { withUnsafeBytes(of: bigEndian, Array.init) }
}
