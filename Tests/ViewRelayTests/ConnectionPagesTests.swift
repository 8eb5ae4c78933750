import Glibc
import Testing

@testable import ViewRelay

@Suite("pages of connections", .serialized)
struct ConnectionPagesTests {
    private typealias Pages = ConnectionPages

    /// How many pages are resident where `memory` is.
    private func pages(_ memory: UnsafeMutableRawPointer) -> Int {
        var resident: [UInt8] = [0, 0]
        #expect(mincore(memory, Pages.size, &resident) == 0)
        return resident.count { $0 & 1 == 1 }
    }

    @Test("each has two pages to itself, which go back with it, but those of a few, which the next ones have")
    func goBack() throws {
        let all = try (0..<100).map { _ in try #require(Pages.take(7624)) }
        #expect(Set(all).count == 100)
        for memory in all { memset(memory, 1, 7624) }
        #expect(all.allSatisfy { UInt(bitPattern: $0) % 4096 == 0 && pages($0) == 2 })
        for memory in all { Pages.give(memory) }
        #expect(all.count { pages($0) == 2 } == Pages.keptWarm)
        #expect(all.count { pages($0) == 0 } == 100 - Pages.keptWarm)
        let again = try (0..<100).map { _ in try #require(Pages.take(Pages.size)) }
        #expect(Set(again) == Set(all))
        #expect(again.prefix(Pages.keptWarm).allSatisfy { pages($0) == 2 })
        for memory in again { Pages.give(memory) }
    }

    @Test("what is smaller than a page or larger than a place is malloc's", arguments: [1, 4096, 8193, 100_000])
    func others(size: Int) throws {
        let place = try #require(Pages.take(5000))
        defer { Pages.give(place) }
        let other = try #require(Pages.take(size))
        #expect(abs(other - place) >= Pages.size)
        memset(other, 1, size)
        Pages.give(other)
        Pages.give(nil)
    }

    @Test("what grows or shrinks keeps its bytes", arguments: [(100, 5000), (5000, 100), (5000, 8192), (8192, 20_000)])
    func resized(from: Int, to: Int) throws {
        let old = try #require(Pages.take(from, insteadOf: nil))
        let bytes = (0..<min(from, to)).map { UInt8($0 % 251) }
        memcpy(old, bytes, bytes.count)
        let new = try #require(Pages.take(to, insteadOf: old))
        #expect(memcmp(new, bytes, bytes.count) == 0)
        Pages.give(new)
    }
}
