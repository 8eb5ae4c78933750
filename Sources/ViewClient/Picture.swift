/// A desktop's pixels at one moment.
public struct Picture: Sendable, Equatable {
    public private(set) var width: Int
    public private(set) var height: Int
    /// Row by row from the top left, each 0x00RRGGBB.
    public private(set) var pixels: [UInt32]

    /// A black picture; sides of 0 or more.
    public init(width: Int, height: Int) {
        self.width = width
        self.height = height
        pixels = Array(repeating: 0, count: width * height)
    }

    /// The pixel at `x`, `y`, counted from 0 at the top left, as 0x00RRGGBB; nil outside of the picture.
    public subscript(x: Int, y: Int) -> UInt32? {
        guard (0..<width).contains(x), (0..<height).contains(y) else { return nil }
        return pixels[y * width + x]
    }

    /// How many different colours it shows: a display nobody draws on has one.
    public var distinctColours: Int { Set(pixels).count }

    /// How many pixels have exactly this colour, 0x00RRGGBB.
    public func count(of colour: UInt32) -> Int { pixels.count { $0 == colour } }

    /// How many pixels differ from `other`'s; all of them when the sizes differ.
    public func differences(from other: Picture) -> Int {
        guard width == other.width, height == other.height else { return max(pixels.count, other.pixels.count) }
        return zip(pixels, other.pixels).count { $0 != $1 }
    }

    /// Whether a rectangle lies inside.
    func contains(_ x: Int, _ y: Int, _ width: Int, _ height: Int) -> Bool {
        x + width <= self.width && y + height <= self.height
    }

    /// Replaces `bytes.count / 4` pixels of a row from `x`: blue, green, red and an unused byte each. Inside the
    /// picture only.
    mutating func setRow(_ y: Int, from x: Int, _ bytes: [UInt8]) {
        let start = y * width + x
        bytes.withUnsafeBytes { raw in
            for index in 0..<raw.count / 4 {
                let pixel = raw.loadUnaligned(fromByteOffset: index * 4, as: UInt32.self)
                pixels[start + index] = UInt32(littleEndian: pixel) & 0xff_ffff
            }
        }
    }

    /// Gives a rectangle one colour, 0x00RRGGBB; inside the picture only.
    mutating func fill(_ x: Int, _ y: Int, _ width: Int, _ height: Int, _ colour: UInt32) {
        for row in y..<y + height {
            for place in row * self.width + x..<row * self.width + x + width { pixels[place] = colour }
        }
    }

    /// Copies a rectangle within the picture, which may overlap its copy; both inside.
    mutating func copy(from source: (x: Int, y: Int), to target: (x: Int, y: Int), width: Int, height: Int) {
        let downward = target.y > source.y
        for step in 0..<height {
            let row = downward ? height - 1 - step : step
            let from = (source.y + row) * self.width + source.x
            let to = (target.y + row) * self.width + target.x
            let line = Array(pixels[from..<from + width])
            pixels.replaceSubrange(to..<to + width, with: line)
        }
    }
}
