import COpenSSL
import Glibc
import Synchronization

/// Where OpenSSL keeps what it has of a connection as long as that lives: its `SSL` (7,608 bytes in OpenSSL 3.0), and beside
/// it a session, a certificate's choice and two ciphers (3,384 in all), three quarters of what a viewer takes. malloc(3) lays
/// them among what others keep, and small things of those that come later into their places, so that few of a busy hour's
/// pages ever go back. Here each connection has a place, pages of its own, which go back with it.
public enum ConnectionPages {
    /// Bytes of a place: three pages of 4 KiB.
    static let size = 12_288
    /// A place's drawers, each for one thing: what opens the place is in the first. Five more are what a handshake has at one
    /// time, a resumed one too; what finds none that it fits has malloc(3)'s memory.
    static let drawers = [0..<7680, 7680..<8256, 8256..<9264, 9264..<10_272, 10_272..<11_280, 11_280..<12_288]
    /// Bytes of what opens a place: too many for a page.
    static let openers = 4097...7680
    /// Bytes of what is kept beside it: smaller things are many, larger ones come and go.
    static let pieces = 513...1008
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

    /// Does `work`, OpenSSL's for one connection alone: the pieces that this thread takes meanwhile lie in the place that
    /// `opener` opened; nil: that the first thing opens that can.
    static func beside<Result>(_ opener: OpaquePointer?, _ work: () throws -> Result) rethrows -> Result {
        turn = opener.map { place(of: UnsafeMutableRawPointer($0)).map(Turn.place) ?? .nobody } ?? .next
        defer { turn = .nobody }
        return try work()
    }

    /// `size` bytes, as malloc(3) gives them.
    static func take(_ size: Int) -> UnsafeMutableRawPointer? {
        if openers.contains(size), !room.isEmpty, let place = places.withLock({ $0.take() }) {
            if turn == .next { turn = .place(place) }
            return memory(drawers[0], of: place)
        }
        if pieces.contains(size), case .place(let place) = turn,
            let drawer = places.withLock({ $0.drawer(for: size, of: place) })
        {
            return memory(drawer, of: place)
        }
        return malloc(size)
    }

    /// Gives `memory` back, which ``take(_:)`` gave. A place's pages go back to the kernel with the last thing in it, but
    /// those of a few.
    static func give(_ memory: UnsafeMutableRawPointer?) {
        guard let memory, let place = place(of: memory) else { return free(memory) }
        let drawer = drawer(of: memory)
        guard places.withLock({ $0.isCold(place, without: drawer) }) else { return }
        madvise(self.memory(0..<size, of: place), size, MADV_DONTNEED)
        places.withLock { $0.give(place) }
    }

    /// `size` bytes with what `old` has of them, which is given back; as realloc(3).
    static func take(_ size: Int, insteadOf old: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
        guard let old, place(of: old) != nil else { return realloc(old, size) }
        let room = drawers[drawer(of: old)].count
        guard size > room else { return old }
        guard let fresh = take(size) else { return nil }
        memcpy(fresh, old, room)
        give(old)
        return fresh
    }

    private static func memory(_ drawer: Range<Int>, of place: Int) -> UnsafeMutableRawPointer? {
        UnsafeMutableRawPointer(bitPattern: room.lowerBound + UInt(place * size + drawer.lowerBound))
    }

    private static func place(of memory: UnsafeMutableRawPointer) -> Int? {
        let address = UInt(bitPattern: memory)
        return room.contains(address) ? Int(address - room.lowerBound) / size : nil
    }

    /// The number of the drawer at `memory`, which is in a place.
    private static func drawer(of memory: UnsafeMutableRawPointer) -> Int {
        let offset = Int(UInt(bitPattern: memory) - room.lowerBound) % size
        guard let drawer = drawers.firstIndex(where: { $0.lowerBound == offset }) else {
            preconditionFailure("OpenSSL gave back what it was not given")
        }
        return drawer
    }

    /// The addresses of the places, for as long as the process lives; memory only where they are written to. Empty: the
    /// system gives none.
    private static let room: Range<UInt> = {
        let length = size * count
        let room = mmap(nil, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
        guard let room, room != MAP_FAILED else { return 0..<0 }
        // One huge page would hold the places of 170.
        madvise(room, length, MADV_NOHUGEPAGE)
        return UInt(bitPattern: room)..<UInt(bitPattern: room) + UInt(length)
    }()

    /// Whose work a thread does, see ``beside(_:_:)``.
    private enum Turn: Equatable {
        case nobody, next
        case place(Int)
    }

    /// This thread's.
    private static var turn: Turn {
        get {
            switch Int(bitPattern: pthread_getspecific(turns)) {
            case 0: .nobody
            case 1: .next
            case let place: .place(place - 2)
            }
        }
        set {
            let number =
                switch newValue {
                case .nobody: 0
                case .next: 1
                case .place(let place): place + 2
                }
            pthread_setspecific(turns, UnsafeRawPointer(bitPattern: number))
        }
    }

    private static let turns: pthread_key_t = {
        var key = pthread_key_t()
        guard pthread_key_create(&key, nil) == 0 else { preconditionFailure("no key for a thread's own") }
        return key
    }()

    private static let places = Mutex(Places())

    /// Which places are free, those with pages first, then those given back last, then those that nobody has had; and which
    /// drawers of the others.
    private struct Places: ~Copyable {
        private let warm = UnsafeMutablePointer<Int>.allocate(capacity: ConnectionPages.keptWarm)
        private let cold = UnsafeMutablePointer<UInt32>.allocate(capacity: ConnectionPages.count)
        /// Of each place that somebody has had: a bit for each drawer that is taken.
        private let taken = UnsafeMutablePointer<UInt8>.allocate(capacity: ConnectionPages.count)
        private var warmCount = 0
        private var coldCount = 0
        private var fresh = 0

        /// A place with its first drawer taken; nil: there is none.
        mutating func take() -> Int? {
            let place: Int
            if warmCount > 0 {
                warmCount -= 1
                place = warm[warmCount]
            } else if coldCount > 0 {
                coldCount -= 1
                place = Int(cold[coldCount])
            } else {
                guard fresh < ConnectionPages.count else { return nil }
                place = fresh
                fresh += 1
            }
            taken[place] = 1
            return place
        }

        /// Takes the first drawer of `place`, which is taken, that is free and has `size` bytes.
        mutating func drawer(for size: Int, of place: Int) -> Range<Int>? {
            guard taken[place] != 0 else { return nil }
            for (number, drawer) in drawers.enumerated() where taken[place] & 1 << number == 0 && drawer.count >= size {
                taken[place] |= 1 << number
                return drawer
            }
            return nil
        }

        /// Takes back the drawer of that number; true: it was the last of `place`, whose pages are to go, and then
        /// ``give(_:)``.
        mutating func isCold(_ place: Int, without drawer: Int) -> Bool {
            taken[place] &= ~(1 << drawer)
            guard taken[place] == 0 else { return false }
            guard warmCount < ConnectionPages.keptWarm else { return true }
            warm[warmCount] = place
            warmCount += 1
            return false
        }

        /// Takes back `place`, which has no pages any more.
        mutating func give(_ place: Int) {
            cold[coldCount] = UInt32(place)
            coldCount += 1
        }
    }
}
