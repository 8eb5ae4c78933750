import Testing

@testable import StressLoad

@Suite("what a display says is followed")
struct DisplayMessagesTests {
    /// Everything that can be said, in one stream, and what it comes to.
    private static let everything: [UInt8] =
        Wire16.update([Wire16.raw(0, 0, 40, 30)])
        + [2]
        + [1, 0, 0, 0, 0, 2] + [UInt8](repeating: 9, count: 12)
        + [3, 0, 0, 0, 0, 0, 0, 5] + Array("hello".utf8)
        + [32, 0, 0, 0, 0, 0, 0, 2] + Array("go".utf8)
        + Wire16.update([
            Wire16.rectangle(4, 4, 8, 8, 1, Wire16.number(0) + Wire16.number(0)),
            // RRE with two rectangles inside.
            Wire16.rectangle(0, 0, 10, 10, 2, Wire16.number32(2) + [1, 1, 1, 0] + [UInt8](repeating: 3, count: 24)),
            // A cursor: its pixels and its mask.
            Wire16.rectangle(1, 1, 9, 2, -239, [UInt8](repeating: 1, count: 9 * 2 * 4 + 2 * 2)),
        ])
        // Hextile: 20 by 18 pixels are four tiles; one raw, one with a background, one with rectangles, one with nothing.
        + Wire16.update([
            Wire16.rectangle(
                0, 0, 20, 18, 5,
                [1] + [UInt8](repeating: 5, count: 16 * 16 * 4)
                    + [2, 1, 2, 3, 0]
                    + [2 | 4 | 8, 1, 2, 3, 0, 4, 5, 6, 0, 2, 0x00, 0x11, 0x22, 0x00]
                    + [8 | 16, 1, 9, 9, 9, 0, 0x00, 0x10])
        ])
        + Wire16.update([])
        + Wire16.update([Wire16.rectangle(0, 0, 50, 20, -308, [2, 0, 0, 0] + [UInt8](repeating: 0, count: 32))])
        + Wire16.update([Wire16.rectangle(1, 3, 90, 90, -308, [0, 0, 0, 0])])
        + Wire16.update([Wire16.rectangle(0, 0, 30, 30, -223, [])])
        + Wire16.update([Wire16.raw(0, 0, 30, 30)])

    private static func follow(_ bytes: [UInt8], in pieces: [Int]) throws -> DisplayMessages.Seen {
        var messages = try DisplayMessages(width: 40, height: 30)
        var sum = DisplayMessages.Seen()
        var start = 0
        for end in pieces + [bytes.count] where end > start {
            let seen = try bytes[start..<end].withUnsafeBytes { raw in
                try Result { () throws(DisplayFault) in try messages.take(raw) }.get()
            }
            if seen.isResized { sum.pixels = 0 }
            sum.updates += seen.updates
            sum.pixels += seen.pixels
            sum.isResized = sum.isResized || seen.isResized
            start = end
        }
        #expect(messages.width == 30 && messages.height == 30)
        return sum
    }

    @Test("every message and encoding, cut at every byte")
    func everyCut() throws {
        for cut in 0...Self.everything.count {
            let seen = try Self.follow(Self.everything, in: [cut])
            #expect(seen == DisplayMessages.Seen(updates: 8, pixels: 900, isResized: true))
        }
        let single = try Self.follow(Self.everything, in: Array(0..<Self.everything.count))
        #expect(single == DisplayMessages.Seen(updates: 8, pixels: 900, isResized: true))
    }

    @Test("no byte that a display changes makes a viewer trap")
    func everyByteChanged() throws {
        // Beyond the first update's pixels, which may be anything.
        let start = 16 + 40 * 30 * 4
        for place in Array(0..<16) + Array(start..<Self.everything.count) {
            for value: UInt8 in [0, 1, 2, 127, 128, 255] {
                var bytes = Self.everything
                bytes[place] = value
                var messages = try DisplayMessages(width: 40, height: 30)
                _ = bytes.withUnsafeBytes { raw in
                    Result { () throws(DisplayFault) in try messages.take(raw) }
                }
            }
        }
    }

    @Test(
        "what lies outside of the desktop, or is of no kind, is a fault",
        arguments: [
            Wire16.update([Wire16.raw(1, 0, 40, 30)]),
            Wire16.update([Wire16.rectangle(0, 0, 8, 8, 1, Wire16.number(33) + Wire16.number(0))]),
            Wire16.update([Wire16.rectangle(0, 0, 8, 8, 16, [])]),
            Wire16.update([Wire16.rectangle(0, 0, 0, 0, -223, [])]),
            Wire16.update([Wire16.rectangle(0, 0, 65535, 65535, -223, [])]),
            [77],
            [3, 0, 0, 0, 127, 255, 255, 255],
        ])
    func faults(_ bytes: [UInt8]) throws {
        var messages = try DisplayMessages(width: 40, height: 30)
        #expect(throws: DisplayFault.self) {
            try bytes.withUnsafeBytes { raw in try Result { () throws(DisplayFault) in try messages.take(raw) }.get() }
        }
    }

    @Test("a change is one that is drawn where it is looked for, and is not what was drawn there before")
    func changes() throws {
        var messages = try DisplayMessages(width: 200, height: 200)
        messages.watched = .init(x: 0, y: 0, width: 64, height: 64)
        func changed(_ rectangles: [[UInt8]]) throws -> Bool {
            let bytes = Wire16.update(rectangles)
            return try bytes.withUnsafeBytes { raw in
                try Result { () throws(DisplayFault) in try messages.take(raw) }.get()
            }.isChanged
        }
        #expect(try !changed([Wire16.raw(0, 0, 10, 10, colour: 1)]), "nobody looks")
        messages.isWatching = true
        #expect(try changed([Wire16.raw(0, 0, 10, 10, colour: 1)]))
        #expect(try !changed([Wire16.raw(0, 0, 10, 10, colour: 1)]), "the same again")
        #expect(try !changed([Wire16.raw(64, 0, 10, 10, colour: 2)]), "elsewhere")
        #expect(try changed([Wire16.raw(64, 0, 10, 10, colour: 3), Wire16.raw(63, 63, 2, 2, colour: 9)]))
        #expect(try changed([Wire16.raw(0, 0, 10, 10, colour: 2)]))
        messages.watched = nil
        #expect(try changed([Wire16.raw(150, 150, 10, 10, colour: 2)]))
    }
}
