import SessionModel

// The standard library may draw in another way in another release; a plan must not change with it.
extension SeededGenerator {
    /// A number from 0 up to 1, 1 not among them.
    mutating func unit() -> Double { Double(next() >> 11) * 0x1p-53 }

    /// A number from 0 up to `bound`, which is not among them.
    mutating func below(_ bound: Int) -> Int { Int(unit() * Double(bound)) }

    /// Puts `items` in an order of its own (Fisher and Yates).
    mutating func shuffle<Item>(_ items: inout [Item]) {
        for last in items.indices.dropFirst().reversed() { items.swapAt(last, below(last + 1)) }
    }
}
