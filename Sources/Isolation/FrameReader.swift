import Glibc
import HostProtocol
import SessionModel

/// Reads one whole frame of a display as another shared viewer (RFC 6143): nobody else's view changes.
struct FrameReader {
    /// More pixels than this are no desktop.
    private static let most = 32 << 20
    /// A connected, blocking socket of the display; the caller closes it.
    let socket: Int32
    let password: Secret

    /// The display's pixels.
    func read() throws(HostFailure) -> PNGImage {
        guard try bytes(12).starts(with: Array("RFB ".utf8)) else { throw strange("no greeting") }
        try send(Array("RFB 003.008\n".utf8))
        let kinds = try bytes(Int(try bytes(1)[0]))
        guard kinds.contains(2) else { throw strange("no VncAuth") }
        try send([2])
        try send(VNCPassword.response(challenge: bytes(16), password: password))
        guard try number(4) == 0 else { throw strange("the password was refused") }
        try send([1])
        let width = try number(2)
        let height = try number(2)
        _ = try bytes(16)
        _ = try bytes(number(4, most: 1 << 20))
        guard width > 0, height > 0, width * height <= Self.most else { throw strange("\(width)x\(height)") }
        // 32 bits a pixel, blue first; raw; everything.
        try send([0, 0, 0, 0, 32, 24, 0, 1, 0, 255, 0, 255, 0, 255, 16, 8, 0, 0, 0, 0])
        try send([2, 0, 0, 1, 0, 0, 0, 0])
        try send([3, 0, 0, 0, 0, 0] + [width >> 8, width & 255, height >> 8, height & 255].map(UInt8.init))
        return try frame(width, height)
    }

    private func frame(_ width: Int, _ height: Int) throws(HostFailure) -> PNGImage {
        var pixels = [UInt8](repeating: 0, count: width * height * 3)
        var missing = width * height
        while missing > 0 {
            switch try bytes(1)[0] {
            case 0:
                _ = try bytes(1)
                for _ in 0..<(try number(2)) { missing -= try rectangle(width, height, &pixels) }
            case 1:
                _ = try bytes(3)
                _ = try bytes(number(2) * 6)
            case 2: break
            case 3:
                _ = try bytes(3)
                _ = try bytes(number(4, most: 16 << 20))
            case let kind: throw strange("message \(kind)")
            }
        }
        guard let image = PNGImage(width: width, height: height, pixels: pixels) else { throw strange("a frame") }
        return image
    }

    /// Reads one rectangle; answers how many pixels it had.
    private func rectangle(_ width: Int, _ height: Int, _ pixels: inout [UInt8]) throws(HostFailure) -> Int {
        let (left, top, wide, high) = (try number(2), try number(2), try number(2), try number(2))
        guard left + wide <= width, top + high <= height, try number(4) == 0 else { throw strange("a rectangle") }
        let content = try bytes(wide * high * 4)
        content.withUnsafeBufferPointer { content in
            pixels.withUnsafeMutableBufferPointer { pixels in
                for y in 0..<high {
                    for x in 0..<wide {
                        let from = (y * wide + x) * 4
                        let to = ((top + y) * width + left + x) * 3
                        pixels[to] = content[from + 2]
                        pixels[to + 1] = content[from + 1]
                        pixels[to + 2] = content[from]
                    }
                }
            }
        }
        return wide * high
    }

    private func strange(_ what: String) -> HostFailure {
        HostFailure(.displayFailed, "the display did not give its picture: \(what)")
    }

    private func send(_ bytes: [UInt8]) throws(HostFailure) {
        guard writeAll(bytes, to: socket) else { throw strange("write: \(String(cString: strerror(errno)))") }
    }

    private func number(_ count: Int, most: Int = .max) throws(HostFailure) -> Int {
        let value = try bytes(count).reduce(0) { $0 << 8 | Int($1) }
        guard value <= most else { throw strange("a length of \(value)") }
        return value
    }

    private func bytes(_ count: Int) throws(HostFailure) -> [UInt8] {
        var received = [UInt8](repeating: 0, count: count)
        var done = 0
        while done < count {
            let part = received[done...].withUnsafeMutableBytes { Glibc.read(socket, $0.baseAddress, $0.count) }
            if part < 0 && errno == EINTR { continue }
            guard part > 0 else { throw strange(part == 0 ? "it hung up" : String(cString: strerror(errno))) }
            done += part
        }
        return received
    }
}
