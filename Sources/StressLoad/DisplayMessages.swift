/// What a display says that no viewer can follow.
struct DisplayFault: Error, Equatable {
    /// In a few words, without numbers.
    let cause: String
}

/// Follows a display's messages (RFC 6143 §7.6, §7.7) in pieces cut anywhere, without keeping what is drawn: how much of the
/// desktop came, which updates are whole, and whether what was drawn in a watched area is something else than last time.
///
/// Pixels have four bytes.
struct DisplayMessages {
    /// Part of the desktop, in pixels.
    struct Area: Equatable, Sendable {
        var x: Int
        var y: Int
        var width: Int
        var height: Int

        func meets(_ other: Area) -> Bool {
            x < other.x + other.width && other.x < x + width && y < other.y + other.height && other.y < y + height
        }
    }

    /// What came in some bytes.
    struct Seen: Equatable, Sendable {
        /// Updates that are whole now.
        var updates = 0
        /// Pixels drawn by rectangles that are whole now.
        var pixels = 0
        /// Whether the desktop took another size.
        var isResized = false
        /// Whether an update that is whole now drew something else into the watched area than the one before that drew there.
        var isChanged = false
    }

    /// The encodings it follows, those it likes best first; the order of SetEncodings.
    static let encodings: [Int32] = [
        Encoding.copyRect, Encoding.hextile, Encoding.rre, Encoding.raw, Encoding.cursor, Encoding.extendedDesktopSize,
        Encoding.desktopSize,
    ].map(\.rawValue)

    private(set) var width: Int
    private(set) var height: Int
    /// Where changes are looked for; nil: everywhere.
    var watched: Area?
    /// Whether they are looked for: it costs a look at every byte there.
    var isWatching = false

    private enum Encoding: Int32 {
        case raw = 0, copyRect = 1, rre = 2, hextile = 5, desktopSize = -223, cursor = -239, extendedDesktopSize = -308
    }

    private enum Part {
        case message, updateHead, colourMapHead, cutTextHead, actionHead
        case rectangleHead, copySource, rreHead, screensHead
        case tile, tileColours(UInt8), tileCount(UInt8)
        /// Bytes that say nothing; after them the next message, rectangle or tile.
        case skipMessage, skipRectangle, skipTile
    }

    private var part = Part.message
    /// The fixed part that is read, and how many bytes it has.
    private var head: [UInt8] = []
    private var needed = 1
    private var skipLeft = 0
    private var rectanglesLeft = 0
    private var area = Area(x: 0, y: 0, width: 0, height: 0)
    /// The tile that is read.
    private var tileX = 0
    private var tileY = 0
    /// FNV-1a over what this update drew into the watched area; nil: nothing.
    private var mark: UInt64?
    private var lastMark: UInt64?
    private var isMarking = false

    /// Follows a desktop of that size, from the first message after ServerInit on.
    init(width: Int, height: Int) throws(DisplayFault) {
        guard Self.isSize(width, height) else { throw DisplayFault(cause: "a desktop of no size") }
        (self.width, self.height) = (width, height)
        head.reserveCapacity(32)
    }

    /// Takes `bytes`, and tells what they finish. After a fault nothing more may be asked.
    mutating func take(_ bytes: UnsafeRawBufferPointer) throws(DisplayFault) -> Seen {
        var seen = Seen()
        var position = 0
        while position < bytes.count {
            if skipLeft > 0 {
                let count = min(skipLeft, bytes.count - position)
                if isMarking { hash(UnsafeRawBufferPointer(rebasing: bytes[position..<position + count])) }
                position += count
                skipLeft -= count
                if skipLeft == 0 { try skipped(&seen) }
                continue
            }
            head.append(bytes[position])
            position += 1
            guard head.count >= needed else { continue }
            try headCame(&seen)
        }
        return seen
    }

    private static func isSize(_ width: Int, _ height: Int) -> Bool {
        width > 0 && height > 0 && width * height <= 64_000_000
    }

    private func number16(_ index: Int) -> Int { Int(head[index]) << 8 | Int(head[index + 1]) }

    private func number32(_ index: Int) -> UInt32 { UInt32(number16(index)) << 16 | UInt32(number16(index + 2)) }

    private mutating func expect(_ part: Part, _ count: Int) {
        self.part = part
        needed = count
        head.removeAll(keepingCapacity: true)
    }

    private mutating func skip(_ count: Int, then part: Part, _ seen: inout Seen) throws(DisplayFault) {
        expect(part, 0)
        skipLeft = count
        if count == 0 { try skipped(&seen) }
    }

    private mutating func skipped(_ seen: inout Seen) throws(DisplayFault) {
        switch part {
        case .skipRectangle: try rectangleIsWhole(&seen)
        case .skipTile: try nextTile(&seen)
        default: expect(.message, 1)
        }
    }

    private mutating func headCame(_ seen: inout Seen) throws(DisplayFault) {
        switch part {
        case .message:
            switch head[0] {
            case 0: expect(.updateHead, 3)
            case 1: expect(.colourMapHead, 5)
            case 2: expect(.message, 1)
            case 3: expect(.cutTextHead, 7)
            case 32: expect(.actionHead, 7)
            default: throw DisplayFault(cause: "an unknown message")
            }
        case .updateHead:
            rectanglesLeft = number16(1) + 1
            mark = nil
            try rectangleIsWhole(&seen, pixels: 0)
        case .colourMapHead: try skip(number16(3) * 6, then: .skipMessage, &seen)
        case .cutTextHead, .actionHead:
            // Extended clipboard has a negative length: so many bytes all the same.
            let length = Int32(bitPattern: number32(3)).magnitude
            guard length <= 16 * 1024 * 1024 else { throw DisplayFault(cause: "an endless text") }
            try skip(Int(length), then: .skipMessage, &seen)
        case .rectangleHead: try rectangle(&seen)
        case .copySource:
            let source = Area(x: number16(0), y: number16(2), width: area.width, height: area.height)
            guard contains(source) else { throw DisplayFault(cause: "a copy from outside of the desktop") }
            hash(head)
            try rectangleIsWhole(&seen)
        case .rreHead:
            // RFC 6143 §7.7.3: how many rectangles, the background; each has a pixel and four numbers.
            let count = Int(number32(0))
            guard count <= 16 * 1024 * 1024 else { throw DisplayFault(cause: "an endless rectangle") }
            hash(head)
            try skip(count * 12, then: .skipRectangle, &seen)
        case .screensHead: try skip(Int(head[0]) * 16, then: .skipRectangle, &seen)
        case .tile: try tile(head[0], &seen)
        case .tileColours(let parts):
            hash(head)
            try tileRest(parts, &seen)
        case .tileCount(let parts):
            let count = Int(head[0])
            hash(head)
            try skip(count * (parts & 16 != 0 ? 6 : 2), then: .skipTile, &seen)
        case .skipMessage, .skipRectangle, .skipTile: preconditionFailure("nothing is read where bytes are passed over")
        }
    }

    private mutating func rectangle(_ seen: inout Seen) throws(DisplayFault) {
        area = Area(x: number16(0), y: number16(2), width: number16(4), height: number16(6))
        guard let encoding = Encoding(rawValue: Int32(bitPattern: number32(8))) else {
            throw DisplayFault(cause: "an unknown encoding")
        }
        switch encoding {
        case .raw, .copyRect, .rre, .hextile:
            guard contains(area) else { throw DisplayFault(cause: "a rectangle outside of the desktop") }
            isMarking = isWatching && (watched?.meets(area) ?? true)
            hash(head)
        case .desktopSize, .extendedDesktopSize:
            // Of an extended one x says who changed it, and y is not 0 where that was refused (the community's RFB
            // specification).
            if encoding == .desktopSize || area.x != 1 || area.y == 0 { try resize(&seen) }
        case .cursor: break
        }
        switch encoding {
        case .raw: try skip(area.width * area.height * 4, then: .skipRectangle, &seen)
        case .copyRect: expect(.copySource, 4)
        case .rre: expect(.rreHead, 8)
        case .hextile:
            (tileX, tileY) = (0, 0)
            if area.width == 0 || area.height == 0 { try rectangleIsWhole(&seen) } else { expect(.tile, 1) }
        case .desktopSize: try rectangleIsWhole(&seen, pixels: 0)
        case .extendedDesktopSize:
            (area.width, area.height) = (0, 0)
            expect(.screensHead, 4)
        case .cursor:
            let bytes = area.width * area.height * 4 + (area.width + 7) / 8 * area.height
            (area.width, area.height) = (0, 0)
            try skip(bytes, then: .skipRectangle, &seen)
        }
    }

    private mutating func resize(_ seen: inout Seen) throws(DisplayFault) {
        guard Self.isSize(area.width, area.height) else { throw DisplayFault(cause: "a desktop of no size") }
        guard (width, height) != (area.width, area.height) else { return }
        (width, height) = (area.width, area.height)
        seen.isResized = true
        // What came belongs to the desktop as it was.
        seen.pixels = 0
    }

    private func contains(_ area: Area) -> Bool { area.x + area.width <= width && area.y + area.height <= height }

    private mutating func rectangleIsWhole(_ seen: inout Seen) throws(DisplayFault) {
        try rectangleIsWhole(&seen, pixels: area.width * area.height)
    }

    private mutating func rectangleIsWhole(_ seen: inout Seen, pixels: Int) throws(DisplayFault) {
        seen.pixels += pixels
        isMarking = false
        rectanglesLeft -= 1
        guard rectanglesLeft == 0 else { return expect(.rectangleHead, 12) }
        seen.updates += 1
        if let mark {
            if mark != lastMark { seen.isChanged = true }
            lastMark = mark
        }
        mark = nil
        expect(.message, 1)
    }

    // Hextile, RFC 6143 §7.7.4: tiles of at most 16 by 16 pixels, row by row.

    private var tileArea: Int { min(16, area.width - tileX) * min(16, area.height - tileY) }

    private mutating func tile(_ parts: UInt8, _ seen: inout Seen) throws(DisplayFault) {
        hash(head)
        if parts & 1 != 0 { return try skip(tileArea * 4, then: .skipTile, &seen) }
        let colours = (parts & 2 != 0 ? 4 : 0) + (parts & 4 != 0 ? 4 : 0)
        if colours > 0 {
            expect(.tileColours(parts), colours)
        } else {
            try tileRest(parts, &seen)
        }
    }

    private mutating func tileRest(_ parts: UInt8, _ seen: inout Seen) throws(DisplayFault) {
        if parts & 8 != 0 {
            expect(.tileCount(parts), 1)
        } else {
            try nextTile(&seen)
        }
    }

    private mutating func nextTile(_ seen: inout Seen) throws(DisplayFault) {
        tileX += 16
        if tileX >= area.width { (tileX, tileY) = (0, tileY + 16) }
        if tileY >= area.height { try rectangleIsWhole(&seen) } else { expect(.tile, 1) }
    }

    private mutating func hash(_ bytes: some Sequence<UInt8>) {
        guard isMarking else { return }
        var value = mark ?? 0xcbf2_9ce4_8422_2325
        for byte in bytes { value = (value ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
        mark = value
    }
}
