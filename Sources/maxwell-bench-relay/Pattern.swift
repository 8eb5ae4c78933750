import Glibc

/// Bytes both sides know, so that one that is lost, doubled or changed shows. They repeat after ``length``, a number no
/// buffer has a multiple of.
struct Pattern {
    static let length = 1_000_024
    /// So many bytes may be asked for at once.
    static let longest = 256 * 1024

    let bytes: UnsafeMutablePointer<UInt8>

    /// With `isKeys` every eighth byte begins an RFB KeyEvent.
    init(isKeys: Bool) {
        bytes = .allocate(capacity: Pattern.length + Pattern.longest)
        var state: UInt64 = isKeys ? 0x9E37_79B9_7F4A_7C15 : 0xD1B5_4A32_D192_ED03
        for index in 0..<Pattern.length {
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            bytes[index] = isKeys && index % 8 == 0 ? 4 : UInt8(truncatingIfNeeded: state >> 32)
        }
        memcpy(bytes + Pattern.length, bytes, Pattern.longest)
    }

    /// The bytes from `position` of the stream on.
    func at(_ position: Int) -> UnsafeMutablePointer<UInt8> { bytes + position % Pattern.length }

    /// Whether `count` bytes are those from `position` on.
    func matches(_ other: UnsafePointer<UInt8>, _ count: Int, at position: Int) -> Bool {
        var done = 0
        while done < count {
            let more = min(count - done, Pattern.longest)
            guard memcmp(other + done, at(position + done), more) == 0 else { return false }
            done += more
        }
        return true
    }
}
