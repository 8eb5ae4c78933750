import Glibc
import Testing

@testable import ViewRelay

@Suite("pages of connections", .serialized)
struct ConnectionPagesTests {
    private typealias Pages = ConnectionPages

    /// How many pages are resident where `memory` is.
    private func pages(_ memory: UnsafeMutableRawPointer) -> Int {
        var resident: [UInt8] = [0, 0, 0]
        #expect(mincore(memory, Pages.size, &resident) == 0)
        return resident.count { $0 & 1 == 1 }
    }

    /// `size` bytes that are written to.
    private func take(_ size: Int) throws -> UnsafeMutableRawPointer {
        let memory = try #require(Pages.take(size))
        memset(memory, 1, size)
        return memory
    }

    /// Whether `memory` is in the place that `opener` opened.
    private func isBeside(_ opener: UnsafeMutableRawPointer, _ memory: UnsafeMutableRawPointer) -> Bool {
        (0..<Pages.size).contains(memory - opener)
    }

    /// What opens a place, and what a handshake keeps beside it.
    private func connection() throws -> [UnsafeMutableRawPointer] {
        try Pages.beside(nil) { try [7608, 536, 928, 960, 152, 216, 960, 184].map(take) }
    }

    @Test("each has three pages to itself, which go back with it, but those of a few, which the next ones have")
    func goBack() throws {
        let all = try (0..<100).map { _ in try connection() }
        #expect(Set(all.joined()).count == 800)
        for things in all {
            #expect(UInt(bitPattern: things[0]) % 4096 == 0 && pages(things[0]) == 3)
            #expect(things.allSatisfy { isBeside(things[0], $0) && UInt(bitPattern: $0) % 16 == 0 })
        }
        for memory in all.joined() { Pages.give(memory) }
        #expect(all.count { pages($0[0]) == 3 } == Pages.keptWarm)
        #expect(all.count { pages($0[0]) == 0 } == 100 - Pages.keptWarm)
        let again = try (0..<100).map { _ in try #require(Pages.take(7608)) }
        #expect(Set(again) == Set(all.map { $0[0] }))
        #expect(again.prefix(Pages.keptWarm).allSatisfy { pages($0) == 3 })
        for memory in again { Pages.give(memory) }
    }

    @Test("nothing lies in another's bytes: each keeps what was written to it")
    func apart() throws {
        let sizes = Pages.drawers.map(\.count)
        let all = try (0..<3).map { _ in
            try Pages.beside(nil) { try sizes.map { try #require(Pages.take($0)) } }
        }
        for (number, memory) in all.joined().enumerated() { memset(memory, Int32(number), sizes[number % sizes.count]) }
        for (number, memory) in all.joined().enumerated() {
            let bytes = UnsafeRawBufferPointer(start: memory, count: sizes[number % sizes.count])
            #expect(bytes.allSatisfy { $0 == UInt8(number) })
        }
        for memory in all.joined() { Pages.give(memory) }
    }

    @Test("a place is kept until the last thing in it goes, whichever it is")
    func last() throws {
        let things = try connection()
        Pages.give(things[0])
        let other = try take(7608)
        #expect(other != things[0] && pages(things[0]) == 3)
        for memory in things.dropFirst() { Pages.give(memory) }
        let next = try take(7608)
        #expect(next == things[0])
        Pages.give(next)
        Pages.give(other)
    }

    @Test("what comes later lies beside, in room that was given back, too")
    func later() throws {
        let things = try connection()
        let opener = OpaquePointer(things[0])
        Pages.give(things[2])
        let later = try Pages.beside(opener) { try (0..<3).map { _ in try take(950) } }
        #expect(later[0] == things[2])
        #expect(later[1...].allSatisfy { !isBeside(things[0], $0) }, "the place is full")
        for memory in things where memory != things[2] { Pages.give(memory) }
        for memory in later { Pages.give(memory) }
    }

    @Test("what is not this connection's work is malloc's")
    func apartFromOthers() throws {
        let opener = try take(7608)
        let outside = try take(900)
        let inside = Pages.beside(OpaquePointer(opener)) { Pages.take(900) }
        let after = try take(900)
        let large = try Pages.beside(nil) { try take(7608) }
        let afterLarge = try take(900)
        for memory in [outside, after, afterLarge] {
            #expect(!isBeside(opener, memory) && !isBeside(large, memory))
        }
        #expect(isBeside(opener, try #require(inside)))
        for memory in [opener, outside, inside, after, large, afterLarge] { Pages.give(memory) }
    }

    @Test(
        "what is too small or too large for a place is malloc's",
        arguments: [1, 144, 225, 512, 961, 4096, 7713, 100_000])
    func others(size: Int) throws {
        let (place, other) = try Pages.beside(nil) { try (take(5000), take(size)) }
        #expect(abs(other - place) >= Pages.size)
        Pages.give(other)
        Pages.give(place)
        Pages.give(nil)
    }

    @Test("what was not given is not taken back: the process ends", arguments: [16, 7720])
    func notGiven(offset: Int) async throws {
        await #expect(processExitsWith: .failure) { [offset] in
            let opener = try #require(Pages.take(7608))
            Pages.give(opener + offset)
        }
    }

    @Test(
        "what grows or shrinks keeps its bytes",
        arguments: [
            (100, 5000), (5000, 100), (5000, 7712), (5000, 8192), (8192, 20_000), (150, 160), (160, 200), (200, 224),
            (200, 400), (540, 544), (540, 900), (900, 960), (900, 3000), (900, 6000),
        ])
    func resized(from: Int, to: Int) throws {
        let opener = try take(5000)
        let (old, new) = try Pages.beside(OpaquePointer(opener)) {
            let old = try #require(Pages.take(from, insteadOf: nil))
            for byte in 0..<from { old.storeBytes(of: UInt8(byte % 251), toByteOffset: byte, as: UInt8.self) }
            return (old, try #require(Pages.take(to, insteadOf: old)))
        }
        #expect((0..<min(from, to)).allSatisfy { new.load(fromByteOffset: $0, as: UInt8.self) == UInt8($0 % 251) })
        if Pages.drawers.contains(where: { $0.count >= to && old - opener == $0.lowerBound }) { #expect(new == old) }
        Pages.give(new)
        Pages.give(opener)
    }
}
