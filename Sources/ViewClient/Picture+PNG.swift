import Glibc

extension Picture {
    /// The picture as a PNG file's bytes (RFC 2083), 8 bits a colour, not compressed.
    public var png: [UInt8] {
        var rows: [UInt8] = []
        rows.reserveCapacity(height * (width * 3 + 1))
        for y in 0..<height {
            rows.append(0)
            for pixel in pixels[y * width..<(y + 1) * width] {
                rows.append(UInt8(truncatingIfNeeded: pixel >> 16))
                rows.append(UInt8(truncatingIfNeeded: pixel >> 8))
                rows.append(UInt8(truncatingIfNeeded: pixel))
            }
        }
        let header = UInt32(width).bigEndianBytes + UInt32(height).bigEndianBytes + [8, 2, 0, 0, 0]
        return [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a] + chunk("IHDR", header) + chunk("IDAT", stored(rows))
            + chunk("IEND", [])
    }

    /// Writes ``png`` to `path`, replacing what is there.
    public func writePNG(to path: String) throws(ViewError) {
        guard let file = fopen(path, "we") else { throw .notWritten(String(cString: strerror(errno))) }
        let bytes = png
        let written = fwrite(bytes, 1, bytes.count, file)
        let closed = fclose(file)
        guard written == bytes.count, closed == 0 else { throw .notWritten(String(cString: strerror(errno))) }
    }
}

private func chunk(_ kind: String, _ content: [UInt8]) -> [UInt8] {
    let body = Array(kind.utf8) + content
    return UInt32(content.count).bigEndianBytes + body + checksum(body).bigEndianBytes
}

/// A zlib stream (RFC 1950) of stored blocks (RFC 1951 §3.2.4).
private func stored(_ bytes: [UInt8]) -> [UInt8] {
    var stream: [UInt8] = [0x78, 0x01]
    stream.reserveCapacity(bytes.count + bytes.count / 1000 + 16)
    var start = 0
    repeat {
        let end = min(start + 65535, bytes.count)
        let length = UInt16(end - start)
        stream.append(end == bytes.count ? 1 : 0)
        for number in [length, ~length] {
            stream += [UInt8(truncatingIfNeeded: number), UInt8(truncatingIfNeeded: number >> 8)]
        }
        stream += bytes[start..<end]
        start = end
    } while start < bytes.count
    var low: UInt32 = 1
    var high: UInt32 = 0
    for byte in bytes {
        low = (low + UInt32(byte)) % 65521
        high = (high + low) % 65521
    }
    return stream + (high << 16 | low).bigEndianBytes
}

/// The CRC of RFC 2083 §15.
private func checksum(_ bytes: [UInt8]) -> UInt32 {
    ~bytes.reduce(~UInt32(0)) { sum, byte in
        checksums[Int(truncatingIfNeeded: (sum ^ UInt32(byte)) & 0xff)] ^ (sum >> 8)
    }
}

private let checksums: [UInt32] = (0..<256).map { start in
    (0..<8).reduce(UInt32(start)) { value, _ in value & 1 == 1 ? 0xedb8_8320 ^ (value >> 1) : value >> 1 }
}
