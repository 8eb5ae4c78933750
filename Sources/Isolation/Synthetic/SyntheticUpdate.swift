import Glibc

/// One update on its way to a viewer (RFC 6143 §7.6.1): its bytes are made as they are sent, and again where the viewer
/// did not take them.
struct SyntheticUpdate {
    typealias Rectangle = DisplayClient.Rectangle

    enum Part: Equatable {
        /// Raw pixels (RFC 6143 §7.7.1).
        case pixels(Rectangle)
        /// The same in a few bytes: the ground and the blocks on it, as RRE has them (§7.7.3).
        case blocks(Rectangle)
        /// The desktop's new size (§7.8.2).
        case size(width: Int, height: Int)
        /// The same as ExtendedDesktopSize -308 has it: `reason` 1 where the viewer asked, with `status`.
        case screen(width: Int, height: Int, reason: Int, status: Int)
    }

    let parts: [Part]
    private let picture: SyntheticPicture
    private let layout: PixelLayout
    /// What comes before each part's raw pixels.
    private let heads: [[UInt8]]
    private let length: Int
    private var sent = 0

    /// An update that shows `picture` as it is now.
    init(_ parts: [Part], of picture: SyntheticPicture, layout: PixelLayout) {
        self.parts = parts
        self.picture = picture
        self.layout = layout
        heads = parts.map { Self.head(of: $0, picture, layout) }
        length = zip(parts, heads).reduce(4) { $0 + $1.1.count + Self.bytes(of: $1.0, layout) }
    }

    /// Whether all of it has gone.
    var isOver: Bool { sent >= length }

    /// Writes what comes next into `buffer`; answers how many bytes.
    func fill(_ buffer: UnsafeMutableRawBufferPointer) -> Int {
        var written = 0
        /// Where in the update the next piece begins.
        var place = 0
        func put(_ bytes: [UInt8]) {
            let skipped = max(0, sent + written - place)
            let count = min(bytes.count - skipped, buffer.count - written)
            if count > 0 {
                for index in 0..<count { buffer[written + index] = bytes[skipped + index] }
                written += count
            }
            place += bytes.count
        }
        put([0, 0] + Self.two(parts.count))
        for (part, head) in zip(parts, heads) where written < buffer.count {
            put(head)
            guard case .pixels(let rectangle) = part else { continue }
            let all = Self.bytes(of: part, layout)
            let skipped = max(0, sent + written - place)
            if skipped < all {
                written += paint(
                    rectangle, from: skipped, into: UnsafeMutableRawBufferPointer(rebasing: buffer[written...]))
            }
            place += all
        }
        return written
    }

    /// So many bytes of those have gone.
    mutating func advance(_ count: Int) { sent += count }

    private func paint(_ part: Rectangle, from first: Int, into buffer: UnsafeMutableRawBufferPointer) -> Int {
        let rowLength = part.width * layout.bytes
        let most = min(buffer.count, rowLength * part.height - first)
        var written = 0
        while written < most {
            let (row, inRow) = (first + written).quotientAndRemainder(dividingBy: rowLength)
            let (column, inPixel) = inRow.quotientAndRemainder(dividingBy: layout.bytes)
            let run = picture.run(atColumn: part.left + column, row: part.top + row)
            let columns = min(run.end - part.left, part.width) - column
            let count = min(columns * layout.bytes - inPixel, most - written)
            layout.paint(
                run.colour, into: UnsafeMutableRawBufferPointer(rebasing: buffer[written..<written + count]),
                skipping: inPixel)
            written += count
        }
        return written
    }

    private static func bytes(of part: Part, _ layout: PixelLayout) -> Int {
        guard case .pixels(let part) = part else { return 0 }
        return part.width * part.height * layout.bytes
    }

    private static func head(of part: Part, _ picture: SyntheticPicture, _ layout: PixelLayout) -> [UInt8] {
        switch part {
        case .pixels(let part): return place(part) + [0, 0, 0, 0]
        case .blocks(let part):
            let blocks = [picture.answer, picture.wanderer(after: picture.moves)].map { $0.clipped(to: part) }
                .filter { !$0.isEmpty }
            var bytes = place(part) + [0, 0, 0, 2, 0, 0] + two(blocks.count) + layout.pixel(picture.ground)
            for block in blocks {
                bytes += layout.pixel(picture.run(atColumn: block.left, row: block.top).colour)
                bytes += place(
                    Rectangle(
                        left: block.left - part.left, top: block.top - part.top, width: block.width,
                        height: block.height))
            }
            return bytes
        case .size(let width, let height):
            return [0, 0, 0, 0] + two(width) + two(height) + [255, 255, 255, 33]
        case .screen(let width, let height, let reason, let status):
            // One screen, number 0, as large as the desktop.
            let sides = two(width) + two(height)
            let head = two(reason) + two(status) + sides + [255, 255, 254, 204]
            return head + [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0] + sides + [0, 0, 0, 0]
        }
    }

    private static func place(_ part: Rectangle) -> [UInt8] {
        [part.left, part.top, part.width, part.height].flatMap(two)
    }

    private static func two(_ value: Int) -> [UInt8] {
        [UInt8(truncatingIfNeeded: value >> 8), UInt8(truncatingIfNeeded: value)]
    }
}
