import SessionModel

/// The display's side of RFB 3.8 with VncAuth (RFC 6143) for one viewer: bytes in, bytes out. Pure.
///
/// Whatever a viewer sends becomes a state or ``Broken``. Less than 30 bytes of it are kept, and of what it gets nothing: an
/// update is made when it is asked for and the last one has gone, and painted while it is sent.
struct SyntheticViewer {
    typealias Rectangle = DisplayClient.Rectangle

    /// The viewer sent what this display does not take: it gets what is waiting for it, and the connection ends.
    struct Broken: Error, Equatable {
        let cause: String
    }

    private enum Phase: Equatable {
        case version, choice, response, clientInit, message, pixelFormat, encodingCount
        case encodings(left: Int)
        case request, key, pointer, cutText, size
        /// Nothing is taken any more.
        case over

        /// Bytes it takes.
        var length: Int {
            switch self {
            case .version: 12
            case .choice, .clientInit, .message: 1
            case .response: 16
            case .pixelFormat: 19
            case .encodingCount: 3
            case .encodings(let left): left > 0 ? 4 : 0
            case .request: 9
            case .key, .cutText, .size: 7
            case .pointer: 5
            case .over: .max
            }
        }
    }

    private let name: String
    private let password: Secret
    private let challenge: [UInt8]
    private var phase = Phase.version
    private var waiting: [UInt8] = []
    private var skipping = 0
    /// Of the opening, until it has gone.
    private var unsent: [UInt8]
    private var update: SyntheticUpdate?

    private var layout = PixelLayout.usual
    private var takesBlocks = false
    private var takesSize = false
    private var takesScreens = false
    /// The size it knows, (0, 0) before it was told one.
    private var told = (width: 0, height: 0)
    /// The viewer is to hear of the screens: why, and how its own wish went.
    private var owed: (reason: Int, status: Int)?
    /// What it asked for, whether or not it changed; and what it wants to have when it changes.
    private var wanted: Rectangle?
    private var watched: Rectangle?
    /// What it has is of a desktop of that size, and of when the wanderer had moved and keys were pressed so often.
    private var drawn = (width: 0, height: 0)
    private var seen = (moves: UInt32(0), keys: UInt32(0))

    /// A viewer that has just connected to the display of that number.
    ///
    /// - Parameter challenge: 16 random bytes.
    init(display number: Int, password: Secret, challenge: [UInt8]) {
        name = "display \(number) (synthetic)"
        self.password = password
        self.challenge = challenge
        unsent = Array(Self.greeting)
    }

    private static let greeting = "RFB 003.008\n".utf8

    // MARK: What it gets

    /// Writes what it is to get next into `buffer`; 0 when there is nothing now.
    mutating func fill(_ buffer: UnsafeMutableRawBufferPointer, showing picture: SyntheticPicture) -> Int {
        if !unsent.isEmpty {
            let count = min(unsent.count, buffer.count)
            buffer.copyBytes(from: unsent[..<count])
            return count
        }
        if update == nil { update = nextUpdate(picture) }
        return update?.fill(buffer) ?? 0
    }

    /// So many bytes of those have gone.
    mutating func sent(_ count: Int) {
        if !unsent.isEmpty { return unsent.removeFirst(min(count, unsent.count)) }
        update?.advance(count)
        if update?.isOver == true { update = nil }
    }

    private mutating func nextUpdate(_ picture: SyntheticPicture) -> SyntheticUpdate? {
        guard phase != .over, wanted != nil || watched != nil else { return nil }
        let hasNewSize = told != (picture.width, picture.height)
        if takesScreens, hasNewSize || owed != nil { return sizeUpdate(picture) }
        if takesSize, hasNewSize { return sizeUpdate(picture) }
        return pixelUpdate(picture)
    }

    /// An update that tells the size has no pixels, as TigerVNC has it: the viewer asks again.
    private mutating func sizeUpdate(_ picture: SyntheticPicture) -> SyntheticUpdate {
        let part =
            takesScreens
            ? SyntheticUpdate.Part.screen(
                width: picture.width, height: picture.height, reason: owed?.reason ?? 0, status: owed?.status ?? 0)
            : .size(width: picture.width, height: picture.height)
        told = (picture.width, picture.height)
        (owed, wanted, watched) = (nil, nil, nil)
        return SyntheticUpdate([part], of: picture, layout: layout)
    }

    private mutating func pixelUpdate(_ picture: SyntheticPicture) -> SyntheticUpdate? {
        let all = Rectangle(left: 0, top: 0, width: told.width, height: told.height)
        var whole = wanted?.clipped(to: all)
        if drawn != (picture.width, picture.height), let watched {
            // Nothing that it has can be told from what it misses.
            whole = whole?.joined(with: watched.clipped(to: all)) ?? watched.clipped(to: all)
            drawn = (picture.width, picture.height)
        }
        var parts: [SyntheticUpdate.Part] = []
        // A whole picture in a few bytes where the viewer can; what changes is always raw, for it is there to be moved.
        if let whole, !whole.isEmpty { parts.append(takesBlocks ? .blocks(whole) : .pixels(whole)) }
        /// Sees to it that a viewer who asked for any of what changed gets all of it; whether it has it then.
        func show(_ changed: [Rectangle]) -> Bool {
            let changed = changed.map { $0.clipped(to: all) }.filter { !$0.isEmpty }
            let asked = [whole, watched].compactMap { $0 }
            guard changed.contains(where: { one in asked.contains { $0.meets(one) } }) else { return changed.isEmpty }
            parts += changed.filter { whole?.contains($0) != true }.map { .pixels($0) }
            return true
        }
        if seen.keys != picture.keys, show([picture.answer]) { seen.keys = picture.keys }
        if seen.moves != picture.moves {
            let (before, after) = (picture.wanderer(after: seen.moves), picture.wanderer(after: picture.moves))
            if show(before.meets(after) ? [before.joined(with: after)] : [before, after]) {
                seen.moves = picture.moves
            }
        }
        if wanted != nil, whole?.contains(all) == true { drawn = (picture.width, picture.height) }
        wanted = nil
        guard !parts.isEmpty else { return nil }
        watched = nil
        return SyntheticUpdate(parts, of: picture, layout: layout)
    }

    // MARK: What it says

    /// Takes what the viewer sent, which may change `picture`.
    mutating func received(_ bytes: some Collection<UInt8>, _ picture: inout SyntheticPicture) throws(Broken) {
        guard phase != .over else { return }
        waiting += bytes
        var used = 0
        while true {
            let skipped = min(skipping, waiting.count - used)
            skipping -= skipped
            used += skipped
            let length = phase.length
            guard skipping == 0, waiting.count - used >= length else { break }
            let piece = Array(waiting[used..<used + length])
            used += length
            do throws(Broken) { try take(piece, &picture) } catch {
                (phase, waiting) = (.over, [])
                throw error
            }
        }
        waiting.removeFirst(used)
    }

    private mutating func take(_ bytes: [UInt8], _ picture: inout SyntheticPicture) throws(Broken) {
        switch phase {
        case .version, .choice, .response, .clientInit: try shakeHands(bytes, picture)
        case .message: phase = try Self.phase(after: bytes[0])
        case .pixelFormat:
            guard let layout = PixelLayout(Array(bytes[3...])) else { throw Broken(cause: "a pixel format") }
            self.layout = layout
            phase = .message
        case .encodingCount:
            (takesBlocks, takesSize, takesScreens) = (false, false, false)
            phase = .encodings(left: Self.number(bytes[1...]))
        case .encodings(0): phase = .message
        case .encodings(let left):
            switch Int32(truncatingIfNeeded: Self.number(bytes)) {
            case 2: takesBlocks = true
            case -223: takesSize = true
            case -308:
                takesScreens = true
                owed = owed ?? (0, 0)
            default: break
            }
            phase = .encodings(left: left - 1)
        case .request:
            let sides = stride(from: 1, to: 9, by: 2).map { Self.number(bytes[$0..<$0 + 2]) }
            let part = Rectangle(left: sides[0], top: sides[1], width: sides[2], height: sides[3])
            if !part.isEmpty {
                if bytes[0] == 0 {
                    wanted = wanted?.joined(with: part) ?? part
                } else {
                    watched = watched?.joined(with: part) ?? part
                }
            }
            phase = .message
        case .key:
            if bytes[0] != 0 { picture.press(UInt32(truncatingIfNeeded: Self.number(bytes[3...]))) }
            phase = .message
        case .pointer: phase = .message
        case .over: break
        case .cutText:
            // Negative for the extended clipboard: as many bytes follow all the same.
            skipping = Int(Int32(truncatingIfNeeded: Self.number(bytes[3...])).magnitude)
            phase = .message
        case .size: resize(bytes, &picture)
        }
    }

    private static func phase(after kind: UInt8) throws(Broken) -> Phase {
        switch kind {
        case 0: return .pixelFormat
        case 2: return .encodingCount
        case 3: return .request
        case 4: return .key
        case 5: return .pointer
        case 6: return .cutText
        case 251: return .size
        default: throw Broken(cause: "a message \(kind)")
        }
    }

    /// SetDesktopSize: anything a geometry can be; the screens that follow are not looked at.
    private mutating func resize(_ bytes: [UInt8], _ picture: inout SyntheticPicture) {
        let (width, height) = (Self.number(bytes[1..<3]), Self.number(bytes[3..<5]))
        skipping = Int(bytes[5]) * 16
        phase = .message
        guard (try? Geometry(width: width, height: height)) != nil else {
            // Invalid.
            owed = (1, 3)
            return
        }
        picture.resize(width: width, height: height)
        owed = (1, 0)
    }

    private mutating func shakeHands(_ bytes: [UInt8], _ picture: SyntheticPicture) throws(Broken) {
        switch phase {
        case .version:
            guard bytes.elementsEqual(Self.greeting) else { throw Broken(cause: "another version") }
            // One kind of security: VncAuth.
            unsent += [1, 2]
            phase = .choice
        case .choice:
            guard bytes == [2] else { throw Broken(cause: "another kind of security") }
            unsent += challenge
            phase = .response
        case .response:
            guard equalInConstantTime(bytes, VNCPassword.response(challenge: challenge, password: password)) else {
                let reason = Array("the password is wrong".utf8)
                unsent += [0, 0, 0, 1, 0, 0, 0, UInt8(reason.count)] + reason
                throw Broken(cause: "a wrong password")
            }
            unsent += [0, 0, 0, 0]
            phase = .clientInit
        default:
            // ServerInit (RFC 6143 §7.3.2); the desktop is shared whatever the viewer says.
            told = (picture.width, picture.height)
            seen = (picture.moves, picture.keys)
            unsent += [told.width, told.height].flatMap {
                [UInt8(truncatingIfNeeded: $0 >> 8), UInt8(truncatingIfNeeded: $0)]
            }
            unsent += layout.told + [0, 0, 0, UInt8(name.utf8.count)] + Array(name.utf8)
            phase = .message
        }
    }

    private static func number(_ bytes: some Sequence<UInt8>) -> Int { bytes.reduce(0) { $0 << 8 | Int($1) } }
}
