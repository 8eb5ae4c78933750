import COpenSSL
import Glibc
import Synchronization

/// Where OpenSSL keeps the `SSL` of each connection, half of what a viewer takes (7,624 bytes in OpenSSL 3.0). malloc(3) lays
/// it among what others keep, and small things of those that come later into its place, so that few of a busy hour's pages
/// ever go back. Here it has pages of its own, which go back with it.
public enum ConnectionPages {
    /// Bytes of a place: two pages of 4 KiB.
    static let size = 8192
    /// Bytes that are too many for a page and few enough for a place.
    static let sizes = 4097...size
    /// Places there are; whoever finds none has malloc(3)'s memory.
    static let count = 65_536
    /// Free places that keep their pages, so that one viewer after the other asks the kernel for nothing.
    static let keptWarm = 16

    /// Has OpenSSL take its memory here. To be called before its first use (CRYPTO_set_mem_functions(3)); false: it is too
    /// late, and OpenSSL stays with malloc(3).
    @discardableResult
    public static func use() -> Bool {
        CRYPTO_set_mem_functions(
            { size, _, _ in ConnectionPages.take(size) },
            { old, size, _, _ in ConnectionPages.take(size, insteadOf: old) },
            { memory, _, _ in ConnectionPages.give(memory) }) == 1
    }

    /// `size` bytes, as malloc(3) gives them.
    static func take(_ size: Int) -> UnsafeMutableRawPointer? {
        guard sizes.contains(size), !room.isEmpty, let place = places.withLock({ $0.take() }) else {
            return malloc(size)
        }
        return UnsafeMutableRawPointer(bitPattern: room.lowerBound + UInt(place * Self.size))
    }

    /// Gives `memory` back, which ``take(_:)`` gave; its pages go back to the kernel at once, but those of a few.
    static func give(_ memory: UnsafeMutableRawPointer?) {
        guard let memory, let place = place(of: memory) else { return free(memory) }
        guard !places.withLock({ $0.keepWarm(place) }) else { return }
        madvise(memory, size, MADV_DONTNEED)
        places.withLock { $0.give(place) }
    }

    /// `size` bytes with what `old` has of them, which is given back; as realloc(3).
    static func take(_ size: Int, insteadOf old: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
        guard let old, place(of: old) != nil else { return realloc(old, size) }
        guard !sizes.contains(size) else { return old }
        guard let fresh = malloc(size) else { return nil }
        memcpy(fresh, old, min(size, Self.size))
        give(old)
        return fresh
    }

    private static func place(of memory: UnsafeMutableRawPointer) -> Int? {
        let address = UInt(bitPattern: memory)
        return room.contains(address) ? Int(address - room.lowerBound) / size : nil
    }

    /// The addresses of the places, for as long as the process lives; memory only where they are written to. Empty: the
    /// system gives none.
    private static let room: Range<UInt> = {
        let length = size * count
        let room = mmap(nil, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
        guard let room, room != MAP_FAILED else { return 0..<0 }
        // One huge page would hold the places of 256.
        madvise(room, length, MADV_NOHUGEPAGE)
        return UInt(bitPattern: room)..<UInt(bitPattern: room) + UInt(length)
    }()

    private static let places = Mutex(Places())

    /// Which places are free: those with pages come first, then those given back last, then those that nobody has had.
    private struct Places: ~Copyable {
        private let warm = UnsafeMutablePointer<Int>.allocate(capacity: ConnectionPages.keptWarm)
        private let cold = UnsafeMutablePointer<UInt32>.allocate(capacity: ConnectionPages.count)
        private var warmCount = 0
        private var coldCount = 0
        private var fresh = 0

        mutating func take() -> Int? {
            if warmCount > 0 {
                warmCount -= 1
                return warm[warmCount]
            }
            if coldCount > 0 {
                coldCount -= 1
                return Int(cold[coldCount])
            }
            guard fresh < ConnectionPages.count else { return nil }
            fresh += 1
            return fresh - 1
        }

        /// Takes `place` back with its pages; false: there are enough of these.
        mutating func keepWarm(_ place: Int) -> Bool {
            guard warmCount < ConnectionPages.keptWarm else { return false }
            warm[warmCount] = place
            warmCount += 1
            return true
        }

        /// Takes back `place`, which has no pages any more.
        mutating func give(_ place: Int) {
            cold[coldCount] = UInt32(place)
            coldCount += 1
        }
    }
}
