extension Viewer {
    /// Hextile, RFC 6143 §7.7.4: tiles of at most 16 by 16 pixels, row by row. The rectangle lies inside the picture.
    func readHextile(
        _ x: Int, _ y: Int, _ width: Int, _ height: Int, by deadline: Deadline
    ) throws(ViewError) {
        // A tile without colours of its own has those of the one before.
        var colours = TileColours()
        for top in stride(from: y, to: y + height, by: 16) {
            for left in stride(from: x, to: x + width, by: 16) {
                let tile = Tile(x: left, y: top, width: min(16, x + width - left), height: min(16, y + height - top))
                try readTile(tile, &colours, by: deadline)
            }
        }
    }

    private func readTile(_ tile: Tile, _ colours: inout TileColours, by deadline: Deadline) throws(ViewError) {
        let parts = TileParts(rawValue: try reader.number("a tile", by: deadline))
        if parts.contains(.raw) {
            for row in 0..<tile.height {
                picture.setRow(tile.y + row, from: tile.x, try reader.take(tile.width * 4, "a tile", by: deadline))
            }
            return
        }
        if parts.contains(.background) { colours.background = try colour(by: deadline) }
        if parts.contains(.foreground) { colours.foreground = try colour(by: deadline) }
        picture.fill(tile.x, tile.y, tile.width, tile.height, colours.background)
        guard parts.contains(.rectangles) else { return }
        let count: UInt8 = try reader.number("a tile", by: deadline)
        let coloured = parts.contains(.coloured)
        let size = coloured ? 6 : 2
        let bytes = try reader.take(Int(count) * size, "a tile", by: deadline)
        for start in stride(from: 0, to: bytes.count, by: size) {
            let place = bytes[start + size - 2]
            let extent = bytes[start + size - 1]
            let (x, y) = (Int(place >> 4), Int(place & 15))
            let (width, height) = (Int(extent >> 4) + 1, Int(extent & 15) + 1)
            guard x + width <= tile.width, y + height <= tile.height else {
                throw .broken("a rectangle outside of its tile")
            }
            picture.fill(
                tile.x + x, tile.y + y, width, height,
                coloured ? pixel(bytes[start..<start + 4]) : colours.foreground)
        }
    }

    private func colour(by deadline: Deadline) throws(ViewError) -> UInt32 {
        pixel(try reader.take(4, "a tile's colour", by: deadline)[...])
    }
}

/// Where a tile lies in the picture.
private struct Tile {
    let x: Int
    let y: Int
    let width: Int
    let height: Int
}

private struct TileColours {
    var background: UInt32 = 0
    var foreground: UInt32 = 0
}

/// What of a tile follows its first byte.
private struct TileParts: OptionSet {
    let rawValue: UInt8
    static let raw = TileParts(rawValue: 1)
    static let background = TileParts(rawValue: 2)
    static let foreground = TileParts(rawValue: 4)
    static let rectangles = TileParts(rawValue: 8)
    static let coloured = TileParts(rawValue: 16)
}

/// Blue, green, red and an unused byte, in the format this viewer asks for.
private func pixel(_ bytes: ArraySlice<UInt8>) -> UInt32 {
    bytes.reversed().reduce(0) { $0 << 8 | UInt32($1) } & 0xff_ffff
}
