import COpenSSL
import Glibc
import Synchronization

/// Where OpenSSL keeps what it has of a connection as long as that lives: its `SSL` (7,608 bytes in OpenSSL 3.0), and beside
/// it a session, a certificate's choice, two ciphers and what belongs to them (4,488 in all), most of what a viewer takes.
/// malloc(3) lays them among what others keep, and small things of those that come later into their places, so that few of a
/// busy hour's pages ever go back. Here each connection has a place, pages of its own, which go back with it.
public enum ConnectionPages {
    /// Bytes of a place: three pages of 4 KiB.
    static let size = 12_288
    /// A place's drawers, each for one thing: what opens the place is in the first. The others are as large and as many as
    /// what stays after a handshake; what finds none that it fits has malloc(3)'s memory.
    static let drawers = [
        0..<7712, 7712..<7872, 7872..<8032, 8032..<8224, 8224..<8416, 8416..<8640, 8640..<8864,
        8864..<9408, 9408..<10_368, 10_368..<11_328, 11_328..<12_288,
    ]
    /// Bytes of what opens a place: too many for a page.
    static let openers = 4097...drawers[0].count
    /// Bytes of what is kept beside it: smaller things are many, larger ones come and go, and those between are too few.
    static let pieces = [leastPiece...224, 513...960]
    /// Most of what OpenSSL asks for is smaller, and has malloc(3)'s memory at once.
    static let leastPiece = 145
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
        guard size >= leastPiece else { return malloc(size) }
        if openers.contains(size), !room.isEmpty, let place = places.withLock({ $0.take() }) {
            if turn == .next { turn = .place(place) }
            return memory(0, of: place)
        }
        if size < fitting.count, fitting[size] != 0, case .place(let place) = turn,
            let drawer = places.withLock({ $0.drawer(fitting[size], of: place) })
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
        guard places.withLock({ $0.give(drawer, of: place) }) else { return }
        madvise(self.memory(0, of: place), size, MADV_DONTNEED)
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

    private static func memory(_ drawer: Int, of place: Int) -> UnsafeMutableRawPointer? {
        UnsafeMutableRawPointer(bitPattern: room.lowerBound + UInt(place * size + drawers[drawer].lowerBound))
    }

    private static func place(of memory: UnsafeMutableRawPointer) -> Int? {
        let address = UInt(bitPattern: memory)
        return room.contains(address) ? Int(address - room.lowerBound) / size : nil
    }

    /// The number of the drawer at `memory`, which is in a place.
    private static func drawer(of memory: UnsafeMutableRawPointer) -> Int {
        let offset = Int(UInt(bitPattern: memory) - room.lowerBound) % size
        let drawer = Int(numbers[offset / grain])
        precondition(drawers[drawer].lowerBound == offset, "OpenSSL gave back what it was not given")
        return drawer
    }

    /// Where a drawer begins is a multiple of so many bytes.
    private static let grain = 32
    /// Of each such part of a place the number of the drawer that it is in.
    private static let numbers: [UInt8] = stride(from: 0, to: size, by: grain).map { offset in
        UInt8(drawers.firstIndex { $0.contains(offset) } ?? 0)
    }
    /// For each size of a piece a bit for each drawer that it fits and that is not for larger kinds; 0: it is kept nowhere.
    private static let fitting: [UInt16] = (0...pieces[1].upperBound).map { size in
        guard let kind = pieces.first(where: { $0.contains(size) }) else { return 0 }
        return drawers.indices.filter { kind.contains(drawers[$0].count) && drawers[$0].count >= size }
            .reduce(0) { $0 | 1 << $1 }
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
        private let taken = UnsafeMutablePointer<UInt16>.allocate(capacity: ConnectionPages.count)
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

        /// Takes the first that is free of those drawers of `place` that have a bit in `fitting`.
        mutating func drawer(_ fitting: UInt16, of place: Int) -> Int? {
            let free = fitting & ~taken[place]
            guard taken[place] != 0, free != 0 else { return nil }
            taken[place] |= free & (~free + 1)
            return free.trailingZeroBitCount
        }

        /// Takes back a drawer of `place`; true: it was the last that was taken, and the place's pages are to go, which then
        /// is given itself.
        mutating func give(_ drawer: Int, of place: Int) -> Bool {
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
