/// What a synthetic desktop shows: a plain ground, a block that wanders, and one at the top left that answers keys. Pure.
///
/// Every pixel follows from these few numbers, so nobody keeps a picture: an update is painted while it is sent, again where
/// a viewer was too slow for the rest.
struct SyntheticPicture: Equatable {
    typealias Rectangle = DisplayClient.Rectangle

    /// Pixels of a side of the wandering block, as far as the desktop has room: 16 KiB where a pixel has 4 bytes.
    static let wandererSide = 64
    /// Pixels of a side of the block that answers keys: in the desktop's first 64 columns and rows nothing else changes.
    static let answerSide = 64
    /// Pixels that the wanderer goes at a time.
    private static let step = 16

    private(set) var width: Int
    private(set) var height: Int
    /// How often the wanderer has moved, and how often a key was pressed.
    private(set) var moves: UInt32 = 0
    private(set) var keys: UInt32 = 0
    private var lastKey: UInt32 = 0
    /// The colour of all that is no block.
    let ground: UInt32

    /// The picture of display `number` with nothing done yet.
    init(number: Int, width: Int, height: Int) {
        self.width = width
        self.height = height
        // No display looks like its neighbour.
        ground = 0x20_3040 ^ Self.mixed(UInt32(truncatingIfNeeded: number)) & 0x1f_1f1f
    }

    /// The wanderer goes on.
    mutating func move() { moves &+= 1 }

    /// A key was pressed, by its keysym: the answering block always gets another colour.
    mutating func press(_ key: UInt32) {
        keys &+= 1
        lastKey = key
    }

    /// The desktop gets another size.
    mutating func resize(width: Int, height: Int) { (self.width, self.height) = (width, height) }

    /// All of it.
    var whole: Rectangle { Rectangle(left: 0, top: 0, width: width, height: height) }

    /// Where keys are answered.
    var answer: Rectangle {
        Rectangle(left: 0, top: 0, width: min(Self.answerSide, width), height: min(Self.answerSide, height))
    }

    /// Where the wanderer was after so many moves: it goes from left to right, lane by lane, below the answering block.
    func wanderer(after moves: UInt32) -> Rectangle {
        let side = (width: min(Self.wandererSide, width), height: min(Self.wandererSide, height - answer.height))
        let stops = (width - side.width) / Self.step + 1
        let lanes = max(1, (height - answer.height) / Self.wandererSide)
        let (lane, stop) = Int(moves).quotientAndRemainder(dividingBy: stops)
        return Rectangle(
            left: stop * Self.step, top: answer.height + lane % lanes * Self.wandererSide, width: side.width,
            height: side.height)
    }

    /// The colour at a point, red in bits 16 to 23, and the first column to the right of it where another may begin.
    func run(atColumn column: Int, row: Int) -> (colour: UInt32, end: Int) {
        var end = Int.max
        let answer = answer
        if answer.reaches(row), column < answer.right {
            // Up to 0xff in steps of a third: also where a pixel has few bits no press looks like the one before.
            if column >= answer.left {
                return ((keys &* 0x55 & 0xff) << 16 | Self.mixed(lastKey &+ keys) & 0xffff, answer.right)
            }
            end = answer.left
        }
        let wanderer = wanderer(after: moves)
        if wanderer.reaches(row), column < wanderer.right {
            if column >= wanderer.left { return (0x80_8080 | Self.mixed(moves), wanderer.right) }
            end = min(end, wanderer.left)
        }
        return (ground, end)
    }

    private static func mixed(_ value: UInt32) -> UInt32 {
        let mixed = (value &+ 0x9e37_79b9) &* 0x85eb_ca6b
        return (mixed ^ mixed >> 13) & 0xff_ffff
    }
}

extension DisplayClient.Rectangle {
    var right: Int { left + width }
    var bottom: Int { top + height }
    var isEmpty: Bool { width <= 0 || height <= 0 }

    /// What of it is in `other`; empty where they do not meet.
    func clipped(to other: Self) -> Self {
        let (left, top) = (max(left, other.left), max(top, other.top))
        return Self(
            left: left, top: top, width: max(0, min(right, other.right) - left),
            height: max(0, min(bottom, other.bottom) - top))
    }

    /// The smallest one with both in it.
    func joined(with other: Self) -> Self {
        if isEmpty { return other }
        if other.isEmpty { return self }
        let (left, top) = (min(left, other.left), min(top, other.top))
        return Self(
            left: left, top: top, width: max(right, other.right) - left, height: max(bottom, other.bottom) - top)
    }

    /// Whether a row goes through it.
    func reaches(_ row: Int) -> Bool { row >= top && row < bottom }

    func contains(_ other: Self) -> Bool { other.isEmpty || clipped(to: other) == other }

    func meets(_ other: Self) -> Bool { !clipped(to: other).isEmpty }
}
