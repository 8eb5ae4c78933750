import Glibc
import HostProtocol
import SessionModel

/// Reads one whole frame of a display as another shared viewer: nobody else's view changes.
struct FrameReader {
    /// More pixels than this are no desktop.
    private static let most = 32 << 20
    /// A connected, blocking socket of the display; the caller closes it.
    let socket: Int32
    let password: Secret

    /// The display's pixels.
    func read() throws(HostFailure) -> PNGImage {
        var client = DisplayClient(password: password, mostPixels: Self.most)
        var frame = Frame(width: 0, height: 0)
        while true {
            let events: [DisplayClient.Event]
            do throws(DisplayClient.Broken) { events = try client.received(some()) } catch {
                throw strange(error.cause)
            }
            for event in events {
                switch event {
                case .send(let bytes): try send(bytes)
                case .challenged: try send(client.logIn())
                case .opened:
                    guard client.width * client.height <= Self.most else { throw strange("its size") }
                    frame = Frame(width: client.width, height: client.height)
                    try send(DisplayClient.request(frame.all, onlyChanges: false))
                case .pixels(let part, let pixels):
                    guard frame.put(pixels, at: part) else { throw strange("its size changed") }
                case .updated where frame.missing > 0: try send(DisplayClient.request(frame.all, onlyChanges: true))
                case .updated:
                    guard let image = PNGImage(width: frame.width, height: frame.height, pixels: frame.pixels) else {
                        throw strange("a frame")
                    }
                    return image
                case .resizeAnswered: break
                }
            }
        }
    }

    private func strange(_ what: String) -> HostFailure {
        HostFailure(.displayFailed, "the display did not give its picture: \(what)")
    }

    private func send(_ bytes: [UInt8]) throws(HostFailure) {
        guard writeAll(bytes, to: socket) else { throw strange("write: \(String(cString: strerror(errno)))") }
    }

    /// What the display sends next, waited for.
    private func some() throws(DisplayClient.Broken) -> ArraySlice<UInt8> {
        var part = [UInt8](repeating: 0, count: 1 << 18)
        while true {
            let count = Glibc.read(socket, &part, part.count)
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else {
                throw DisplayClient.Broken(cause: count == 0 ? "it hung up" : String(cString: strerror(errno)))
            }
            return part[..<count]
        }
    }
}

/// A picture that comes in rectangles.
private struct Frame {
    let width: Int
    let height: Int
    /// Red, green, blue of each.
    private(set) var pixels: [UInt8]
    private(set) var missing: Int

    init(width: Int, height: Int) {
        self.width = width
        self.height = height
        pixels = [UInt8](repeating: 0, count: width * height * 3)
        missing = width * height
    }

    var all: DisplayClient.Rectangle { DisplayClient.Rectangle(left: 0, top: 0, width: width, height: height) }

    /// Takes a rectangle; false when it is not inside.
    mutating func put(_ content: [UInt8], at part: DisplayClient.Rectangle) -> Bool {
        guard part.left + part.width <= width, part.top + part.height <= height,
            content.count == part.width * part.height * 4
        else { return false }
        content.withUnsafeBufferPointer { content in
            pixels.withUnsafeMutableBufferPointer { pixels in
                for y in 0..<part.height {
                    for x in 0..<part.width {
                        let from = (y * part.width + x) * 4
                        let to = ((part.top + y) * width + part.left + x) * 3
                        pixels[to] = content[from + 2]
                        pixels[to + 1] = content[from + 1]
                        pixels[to + 2] = content[from]
                    }
                }
            }
        }
        missing -= part.width * part.height
        return true
    }
}
