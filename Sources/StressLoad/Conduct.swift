import SessionModel
import Stress

/// What a viewer with a whole picture does, and when: its chances come from its seed alone.
struct Conduct {
    /// One thing it does.
    enum Deed: Equatable, Sendable {
        /// Types a key, by its X keysym, and looks for what it changes.
        case key(UInt32)
        /// Moves the pointer to so many thousandths of the desktop.
        case point(x: Int, y: Int)
        /// From now on it reads so many bytes a second.
        case slow(Int)
        /// Its connection is gone, with a reset or with a bare end of the stream; and whether it comes back at once.
        case cut(resets: Bool, returns: Bool)
    }

    /// A deed, so many seconds from now.
    struct Wish: Equatable, Sendable {
        var after: Double
        var deed: Deed
    }

    /// Bytes a second of a slow reader.
    static let slowness = 20_000
    /// Keys of a line that a typist types before a new one begins.
    static let lineLength = 40

    private let behaviour: StressPlan.Behaviour
    private var chances: SeededGenerator
    private var typed = 0
    private var hasPointed = false

    /// A viewer that behaves so.
    init(_ behaviour: StressPlan.Behaviour, seed: UInt64) {
        self.behaviour = behaviour
        chances = SeededGenerator(seed: seed)
    }

    /// It has a whole picture, the first or another one.
    mutating func pictured() -> Wish? {
        switch behaviour {
        case .watcher, .hostile: nil
        // Keys go to the window under the pointer, which is at the top left.
        case .typist: nextMove(after: 0)
        case .slowReader: Wish(after: 0, deed: .slow(Self.slowness))
        case .vanishing: Wish(after: .random(in: 2...8, using: &chances), deed: cut(returns: false))
        case .flapping: Wish(after: .random(in: 2...6, using: &chances), deed: cut(returns: true))
        }
    }

    /// It did what it wished, and where that was a key its change was seen, or is waited for no more.
    mutating func done() -> Wish? {
        guard behaviour == .typist else { return nil }
        return typed % 4 == 0 && !hasPointed ? nextMove(after: 0.2) : nextKey()
    }

    private mutating func nextMove(after seconds: Double) -> Wish {
        hasPointed = true
        return Wish(
            after: seconds,
            deed: .point(x: .random(in: 20..<200, using: &chances), y: .random(in: 20..<200, using: &chances)))
    }

    private mutating func nextKey() -> Wish {
        let place = typed % Self.lineLength
        typed += 1
        hasPointed = false
        // A line of a shell that begins so does nothing (bash(1), COMMENTS).
        let keysym: UInt32 =
            switch place {
            case 0: 0x23
            case Self.lineLength - 1: 0xff0d
            default: .random(in: 0x61...0x7a, using: &chances)
            }
        return Wish(after: .random(in: 1...3, using: &chances), deed: .key(keysym))
    }

    private mutating func cut(returns: Bool) -> Deed { .cut(resets: Bool.random(using: &chances), returns: returns) }
}
