import HostProtocol
import SessionModel
import Testing

@testable import Isolation

@Suite("what a synthetic display says to a viewer")
struct SyntheticViewerTests {
    private static let password = Secret("abcd1234")
    private static let challenge = [UInt8](1...16)
    private static let opening: [UInt8] =
        Array("RFB 003.008\n".utf8) + [2] + VNCPassword.response(challenge: challenge, password: password) + [1]
    /// Raw, DesktopSize, ExtendedDesktopSize and two that it does not know.
    private static let encodings: [UInt8] =
        [2, 0, 0, 5, 0, 0, 0, 7, 0, 0, 0, 0, 255, 255, 255, 33, 255, 255, 254, 204, 255, 255, 254, 199]
    private static let key: [UInt8] = [4, 1, 0, 0, 0, 0, 0, 97, 4, 0, 0, 0, 0, 0, 0, 97]

    /// A viewer and the picture it watches, with everything that it was sent.
    private struct Pair {
        var picture = SyntheticPicture(number: 3, width: 320, height: 240)
        var viewer = SyntheticViewer(
            display: 3, password: SyntheticViewerTests.password, challenge: SyntheticViewerTests.challenge)
        /// Bytes that the viewer takes at a time.
        var portion = 65536

        mutating func say(_ bytes: some Collection<UInt8>) throws { try viewer.received(bytes, &picture) }

        /// What it sends now, to the last byte.
        mutating func heard() -> [UInt8] {
            var all: [UInt8] = []
            while true {
                var part = [UInt8](repeating: 0, count: portion)
                let count = part.withUnsafeMutableBytes { viewer.fill($0, showing: picture) }
                guard count > 0 else { return all }
                // Half of it at most, so that pieces begin anywhere.
                let taken = max(1, count / 2)
                all += part[..<taken]
                viewer.sent(taken)
            }
        }

        /// Past the opening.
        mutating func open() throws {
            try say(SyntheticViewerTests.opening)
            _ = heard()
        }
    }

    private func request(_ part: SyntheticPicture.Rectangle, changes: Bool) -> [UInt8] {
        DisplayClient.request(part, onlyChanges: changes)
    }

    /// The pixels that an RFB client has of it, told by what it was sent.
    private struct Canvas {
        var client = DisplayClient(password: SyntheticViewerTests.password, mostPixels: 1 << 24)
        var pixels: [UInt32]
        var updates = 0
        var statuses: [Int] = []
        let width: Int

        init(_ width: Int, _ height: Int) {
            self.width = width
            pixels = [UInt32](repeating: 0, count: width * height)
        }

        /// Takes what was sent; answers what is to be said.
        mutating func take(_ bytes: [UInt8]) throws -> [UInt8] {
            var answer: [UInt8] = []
            for event in try client.received(bytes) {
                switch event {
                case .send(let words): answer += words
                case .challenged: answer += client.logIn()
                case .updated: updates += 1
                case .resizeAnswered(let status): statuses.append(status)
                case .opened: break
                case .pixels(let part, let bytes):
                    for index in 0..<part.width * part.height {
                        let place = index * 4
                        let (row, column) = index.quotientAndRemainder(dividingBy: part.width)
                        pixels[(part.top + row) * width + part.left + column] =
                            UInt32(bytes[place]) | UInt32(bytes[place + 1]) << 8 | UInt32(bytes[place + 2]) << 16
                    }
                }
            }
            return answer
        }

        func shows(_ picture: SyntheticPicture) -> Bool {
            (0..<picture.height).allSatisfy { row in
                var column = 0
                while column < picture.width {
                    let run = picture.run(atColumn: column, row: row)
                    let end = min(run.end, picture.width)
                    let seen = pixels[row * width + column..<row * width + end]
                    guard seen.allSatisfy({ $0 == run.colour }) else { return false }
                    column = end
                }
                return true
            }
        }
    }

    /// The client sees what the display shows; not told pixel by pixel.
    private func expectTrue(
        _ canvas: Canvas, to picture: SyntheticPicture, sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let isTrue = canvas.shows(picture)
        #expect(isTrue, sourceLocation: sourceLocation)
    }

    /// A pair and a client that talk until nobody has anything to say.
    private func converse(_ pair: inout Pair, _ canvas: inout Canvas) throws {
        while true {
            let said = pair.heard()
            let answer = try canvas.take(said)
            if said.isEmpty && answer.isEmpty { return }
            try pair.say(answer)
        }
    }

    @Test("a client with the password is let in and gets the picture, whatever the pieces", arguments: [7, 97, 65536])
    func picture(portion: Int) throws {
        var pair = Pair()
        pair.portion = portion
        var canvas = Canvas(320, 240)
        try converse(&pair, &canvas)
        #expect(canvas.client.width == 320 && canvas.client.height == 240 && canvas.updates == 0)
        try pair.say(request(pair.picture.whole, changes: true))
        try converse(&pair, &canvas)
        // The first update tells the size, and has no pixels.
        #expect(canvas.updates == 1)
        try pair.say(request(pair.picture.whole, changes: false))
        try converse(&pair, &canvas)
        expectTrue(canvas, to: pair.picture)
        #expect(canvas.updates == 2)
    }

    @Test("who asks for changes gets the picture first, then small changes as they come, and none unasked")
    func changes() throws {
        var pair = Pair()
        var canvas = Canvas(320, 240)
        try converse(&pair, &canvas)
        for _ in 0..<2 {
            try pair.say(request(pair.picture.whole, changes: true))
            try converse(&pair, &canvas)
        }
        expectTrue(canvas, to: pair.picture)
        #expect(canvas.updates == 2)
        try pair.say(request(pair.picture.whole, changes: true))
        #expect(pair.heard() == [])
        for _ in 0..<30 {
            pair.picture.move()
            let said = pair.heard()
            #expect((16 << 10..<34 << 10).contains(said.count))
            _ = try canvas.take(said)
            expectTrue(canvas, to: pair.picture)
            pair.picture.move()
            #expect(pair.heard() == [])
            try pair.say(request(pair.picture.whole, changes: true))
            try converse(&pair, &canvas)
            expectTrue(canvas, to: pair.picture)
            try pair.say(request(pair.picture.whole, changes: true))
        }
    }

    @Test("a key changes the answering block at once, each press to another colour, a release to none")
    func keys() throws {
        var pair = Pair()
        try pair.open()
        try pair.say(request(pair.picture.answer, changes: true))
        #expect(pair.heard().count == 4 + 12 + 64 * 64 * 4)
        var colours: [UInt32] = []
        for _ in 0..<20 {
            try pair.say(request(pair.picture.answer, changes: true))
            // The wanderer is not where the viewer looks.
            pair.picture.move()
            #expect(pair.heard() == [])
            try pair.say(Self.key)
            let said = pair.heard()
            #expect(said.count == 4 + 12 + 64 * 64 * 4)
            colours.append(UInt32(said[16]) | UInt32(said[17]) << 8 | UInt32(said[18]) << 16)
        }
        #expect(zip(colours, colours.dropFirst()).allSatisfy { $0 != $1 })
    }

    @Test("an update is made when the last one has gone, and only then: nothing piles up")
    func slow() throws {
        var pair = Pair()
        try pair.open()
        try pair.say(request(pair.picture.whole, changes: false))
        var part = [UInt8](repeating: 0, count: 1000)
        _ = part.withUnsafeMutableBytes { pair.viewer.fill($0, showing: pair.picture) }
        pair.viewer.sent(1000)
        let whole = 4 + 12 + 320 * 240 * 4
        for _ in 0..<100 {
            try pair.say(request(pair.picture.whole, changes: true) + Self.key)
            pair.picture.move()
        }
        let shown = pair.heard()
        // The rest of the first, and one more with all that changed meanwhile.
        #expect(shown.count > whole - 1000 && shown.count < whole - 1000 + 50_000)
    }

    @Test("a wrong password, another version or kind of security, and unknown messages end it; the first is answered")
    func strangers() throws {
        var pair = Pair()
        let wrong = Array("RFB 003.008\n".utf8) + [2] + [UInt8](repeating: 9, count: 16)
        #expect(throws: SyntheticViewer.Broken(cause: "a wrong password")) { try pair.say(wrong) }
        let said = pair.heard()
        #expect(said.dropFirst(12 + 2 + 16).prefix(4) == [0, 0, 0, 1])
        #expect(String(decoding: said.suffix(21), as: UTF8.self) == "the password is wrong")
        for (bytes, cause) in [
            (Array("RFB 003.003\n".utf8), "another version"),
            (Array("RFB 003.008\n".utf8) + [1], "another kind of security"),
            (Self.opening + [99], "a message 99"),
            // A colour map.
            (Self.opening + [0, 0, 0, 0, 8, 8, 0, 0] + [UInt8](repeating: 0, count: 12), "a pixel format"),
        ] {
            var pair = Pair()
            #expect(throws: SyntheticViewer.Broken(cause: cause)) { try pair.say(bytes) }
            #expect(throws: Never.self) { try pair.say(Self.opening) }
        }
    }

    @Test("a viewer that sets the size gets its answer, the others hear of it, and who cannot keeps its own")
    func size() throws {
        var pair = Pair()
        var canvas = Canvas(640, 480)
        try converse(&pair, &canvas)
        try pair.say(request(pair.picture.whole, changes: true))
        try converse(&pair, &canvas)
        let resize = try #require(canvas.client.resize(to: Geometry("640x480")))
        try pair.say(resize + request(pair.picture.whole, changes: true))
        try converse(&pair, &canvas)
        #expect(canvas.statuses == [0] && canvas.client.width == 640 && pair.picture.height == 480)
        try pair.say(request(pair.picture.whole, changes: true))
        try converse(&pair, &canvas)
        expectTrue(canvas, to: pair.picture)
        // 65,535 pixels wide: invalid.
        try pair.say([251, 0, 255, 255, 1, 0, 1, 0] + [UInt8](repeating: 0, count: 16))
        try pair.say(request(pair.picture.whole, changes: true))
        try converse(&pair, &canvas)
        #expect(canvas.statuses == [0, 3] && pair.picture.width == 640)

        var old = Pair()
        try old.open()
        old.picture.resize(width: 1000, height: 1000)
        try old.say(request(old.picture.whole, changes: true))
        #expect(old.heard().count == 4 + 12 + 320 * 240 * 4)
    }

    @Test("pixels come in the layout the viewer set")
    func layouts() throws {
        let layouts: [([UInt8], Int)] = [
            ([32, 24, 1, 1, 0, 255, 0, 255, 0, 255, 16, 8, 0, 0, 0, 0], 4),
            ([16, 16, 0, 1, 0, 31, 0, 63, 0, 31, 11, 5, 0, 0, 0, 0], 2),
            ([8, 8, 0, 1, 0, 7, 0, 7, 0, 3, 0, 3, 6, 0, 0, 0], 1),
        ]
        for (told, bytes) in layouts {
            var pair = Pair()
            try pair.open()
            pair.picture.press(97)
            try pair.say([0, 0, 0, 0] + told + request(pair.picture.answer, changes: false))
            let said = pair.heard()
            #expect(said.count == 4 + 12 + 64 * 64 * bytes)
            let first = Array(said[16..<16 + bytes])
            #expect(said[16...] == Array(repeating: first, count: 64 * 64).flatMap { $0 }[...])
            #expect(try #require(PixelLayout(told)).told == told)
        }
        let answer = Pair().picture.run(atColumn: 0, row: 0).colour
        #expect(answer >> 16 == 0)
    }

    @Test("who takes RRE gets the whole picture in a few bytes, and changes raw")
    func blocks() throws {
        var pair = Pair()
        for _ in 0..<5 { pair.picture.move() }
        try pair.open()
        try pair.say([2, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 2])
        let part = SyntheticPicture.Rectangle(left: 10, top: 20, width: 300, height: 200)
        try pair.say(request(part, changes: false))
        let said = pair.heard()
        #expect(said.prefix(20) == [0, 0, 0, 1, 0, 10, 0, 20, 1, 44, 0, 200, 0, 0, 0, 2, 0, 0, 0, 2])
        try #require(said.count == 20 + 4 + 2 * 12)
        func number(_ place: Int, _ count: Int) -> Int { said[place..<place + count].reduce(0) { $0 << 8 | Int($1) } }
        func colour(_ place: Int) -> UInt32 {
            UInt32(said[place]) | UInt32(said[place + 1]) << 8 | UInt32(said[place + 2]) << 16
        }
        var canvas = [UInt32](repeating: colour(20), count: part.width * part.height)
        for place in [24, 36] {
            for row in number(place + 6, 2)..<number(place + 6, 2) + number(place + 10, 2) {
                for column in number(place + 4, 2)..<number(place + 4, 2) + number(place + 8, 2) {
                    canvas[row * part.width + column] = colour(place)
                }
            }
        }
        let isTrue = (0..<part.height).allSatisfy { row in
            (0..<part.width).allSatisfy {
                canvas[row * part.width + $0] == pair.picture.run(atColumn: part.left + $0, row: part.top + row).colour
            }
        }
        #expect(isTrue)
        try pair.say(request(pair.picture.whole, changes: false))
        #expect(pair.heard().count == 20 + 4 + 2 * 12)
        try pair.say(request(pair.picture.answer, changes: true) + Self.key)
        #expect(pair.heard().count == 4 + 12 + 64 * 64 * 4)
    }

    /// A whole visit: opening, layout, encodings, requests, keys, pointer, clipboard, size.
    private static let visit: [UInt8] =
        opening + [0, 0, 0, 0, 32, 24, 0, 1, 0, 255, 0, 255, 0, 255, 16, 8, 0, 0, 0, 0] + encodings
        + DisplayClient.request(.init(left: 0, top: 0, width: 40, height: 40), onlyChanges: false) + key
        + [5, 1, 0, 9, 0, 9, 6, 0, 0, 0, 0, 0, 0, 3, 97, 98, 99]
        + DisplayClient.request(.init(left: 0, top: 0, width: 320, height: 240), onlyChanges: true)
        + [251, 0, 0, 64, 0, 48, 1, 0] + [UInt8](repeating: 0, count: 16) + key
        + DisplayClient.request(.init(left: 0, top: 0, width: 65535, height: 65535), onlyChanges: false)

    /// What it answers to a visit that came in pieces of `size`, and how it ended.
    private func answers(_ bytes: [UInt8], piece size: Int) -> (bytes: [UInt8], cause: String?) {
        var pair = Pair()
        var said: [UInt8] = []
        for start in stride(from: 0, to: bytes.count, by: size) {
            do throws(SyntheticViewer.Broken) {
                try pair.viewer.received(bytes[start..<min(start + size, bytes.count)], &pair.picture)
            } catch {
                return (said + pair.heard(), error.cause)
            }
            // What is sent never depends on how it came, so only here is listened.
            if size == bytes.count { said += pair.heard() }
        }
        return (said + pair.heard(), nil)
    }

    @Test("every prefix of a visit, and the rest a byte at a time, is taken as it was meant")
    func prefixes() {
        let whole = answers(Self.visit, piece: Self.visit.count)
        #expect(whole.cause == nil)
        for count in 0...Self.visit.count {
            #expect(answers(Array(Self.visit[..<count]), piece: max(1, count)).cause == nil)
        }
        for size in [1, 2, 3, 5, 11, 64] { #expect(answers(Self.visit, piece: size) == whole) }
    }

    @Test("no byte of it traps it, whatever it is changed to, and what it sends stays what a client can read")
    func changedBytes() throws {
        for place in Self.visit.indices {
            for value in [0, 1, 2, 5, 6, 127, 128, 251, 254, 255] + [Self.visit[place] ^ 0x10] {
                var bytes = Self.visit
                bytes[place] = UInt8(value)
                var pair = Pair()
                pair.portion = 4096
                try? pair.say(bytes)
                for _ in 0..<3 {
                    var part = [UInt8](repeating: 0, count: 4096)
                    let count = part.withUnsafeMutableBytes { pair.viewer.fill($0, showing: pair.picture) }
                    #expect(count <= 4096)
                    if count > 0 { pair.viewer.sent(count) }
                    pair.picture.move()
                }
            }
        }
    }

    @Test("no bytes trap it: random ones, and a visit's with some changed", arguments: 0..<4)
    func anyBytes(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<1000 {
            var pair = Pair()
            var bytes = Self.visit.prefix(Int.random(in: 0...Self.visit.count, using: &generator))
            bytes += (0..<200).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
            while !bytes.isEmpty {
                let count = Int.random(in: 1...bytes.count, using: &generator)
                guard (try? pair.say(bytes.prefix(count))) != nil else { break }
                bytes = bytes.dropFirst(count)
                var part = [UInt8](repeating: 0, count: Int.random(in: 1...2000, using: &generator))
                let filled = part.withUnsafeMutableBytes { pair.viewer.fill($0, showing: pair.picture) }
                #expect(filled <= part.count)
                if filled > 0 { pair.viewer.sent(Int.random(in: 1...filled, using: &generator)) }
                if Bool.random(using: &generator) { pair.picture.move() }
            }
        }
    }

    @Test("a desktop of any size has its blocks inside, and every pixel a colour")
    func sizes() {
        for (width, height) in [(16, 16), (16, 9999), (9999, 16), (33, 33), (64, 96), (65, 97), (9999, 9999)] {
            var picture = SyntheticPicture(number: 65535, width: width, height: height)
            for moves in [0, 1, 2, 1000, UInt32.max - 1, .max] {
                #expect(picture.whole.contains(picture.wanderer(after: moves)))
                #expect(!picture.wanderer(after: moves).meets(picture.answer))
            }
            for _ in 0..<3 { picture.move() }
            for row in [0, height / 2, height - 1] {
                var column = 0
                while column < width {
                    let run = picture.run(atColumn: column, row: row)
                    #expect(run.end > column && run.colour <= 0xff_ffff)
                    column = min(run.end, width)
                }
            }
        }
    }

    @Test("what the painter is told survives its packet, and nothing else is understood")
    func words() throws {
        let number = try DisplayNumber(65535)
        for word in [
            PainterWord.stand(number, .usual, password: Secret(" a  b c ")), .resize(number, .usual), .admit(number),
            .fall(number),
        ] { #expect(PainterWord(word.bytes) == word) }
        for text in ["", "fall", "fall 0", "fall x", "fall 1 2", "admit 70000", "stand 1 2x2 p", "resize 1", "rise 1"] {
            #expect(PainterWord(Array(text.utf8)) == nil)
        }
    }
}
