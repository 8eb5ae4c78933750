import Glibc
import Testing

@testable import Isolation

/// What another program, Python's zlib, reads in a PNG file: its size and pixels; nil when a sum or a length is wrong.
func decodedPNG(_ path: String) -> (width: Int, height: Int, pixels: [UInt8])? {
    let program = """
        import struct, sys, zlib
        data, at, packed = open(sys.argv[1], 'rb').read(), 8, b''
        assert data[:8] == b'\\x89PNG\\r\\n\\x1a\\n'
        while at < len(data):
            size, = struct.unpack('>I', data[at:at+4])
            kind, body = data[at+4:at+8], data[at+8:at+8+size]
            assert zlib.crc32(kind + body) == struct.unpack('>I', data[at+8+size:at+12+size])[0]
            if kind == b'IHDR': width, height = struct.unpack('>II', body[:8]); assert body[8:] == b'\\x08\\x02\\0\\0\\0'
            if kind == b'IDAT': packed += body
            at += 12 + size
        assert kind == b'IEND'
        lines, above, out = zlib.decompress(packed), bytes(width * 3), b''
        assert len(lines) == (width * 3 + 1) * height
        for y in range(height):
            line = lines[y * (width * 3 + 1):(y + 1) * (width * 3 + 1)]
            assert line[0] == 2
            above = bytes((a + b) & 255 for a, b in zip(above, line[1:]))
            out += above
        sys.stdout.buffer.write(struct.pack('>II', width, height) + out)
        """
    guard let stream = popen("python3 -c \"$(cat <<'END'\n\(program)\nEND\n)\" '\(path)'", "r") else { return nil }
    var bytes: [UInt8] = []
    var part = [UInt8](repeating: 0, count: 65536)
    while case let count = fread(&part, 1, part.count, stream), count > 0 { bytes += part[..<count] }
    guard pclose(stream) == 0, bytes.count >= 8 else { return nil }
    func side(_ at: Int) -> Int { bytes[at..<at + 4].reduce(0) { $0 << 8 | Int($1) } }
    return (side(0), side(4), Array(bytes[8...]))
}

@Suite("a picture as a PNG file")
struct PNGImageTests {
    private func survives(_ width: Int, _ height: Int, _ pixels: [UInt8]) throws -> Bool {
        let image = try #require(PNGImage(width: width, height: height, pixels: pixels))
        let path = "/tmp/mw-\(getpid())-\(width)x\(height).png"
        try writeFile(path, image.file)
        defer { unlink(path) }
        let read = try #require(decodedPNG(path))
        return read.width == width && read.height == height && read.pixels == pixels
    }

    @Test("every pixel is read back, of noise, of one colour, of one pixel")
    func roundTrip() throws {
        var value: UInt32 = 1
        let noise = (0..<61 * 47 * 3).map { _ in
            value = value &* 1_664_525 &+ 1_013_904_223
            return UInt8(value >> 24)
        }
        #expect(try survives(61, 47, noise))
        #expect(try survives(640, 3, [UInt8](repeating: 200, count: 640 * 9)))
        #expect(try survives(1, 1, [1, 2, 3]))
    }

    @Test("runs of every length are read back")
    func runs() throws {
        let line = (1...600).flatMap { [UInt8](repeating: UInt8($0 % 251), count: $0) }
        #expect(try survives(line.count / 3, 1, line))
    }

    @Test("an empty desktop is small")
    func small() throws {
        let image = try #require(
            PNGImage(width: 1024, height: 768, pixels: [UInt8](repeating: 90, count: 1024 * 768 * 3)))
        #expect(image.file.count < 30_000)
    }

    @Test("sides that do not fit the pixels make no picture")
    func refused() {
        #expect(PNGImage(width: 2, height: 2, pixels: [0]) == nil)
        #expect(PNGImage(width: 0, height: 0, pixels: []) == nil)
        #expect(PNGImage(width: .max, height: 4, pixels: []) == nil)
    }
}
