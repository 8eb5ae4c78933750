import RelayProtocol
import SessionModel
import Stress
import Testing

@testable import StressLoad

@Suite("a viewer's way in")
struct OpeningTests {
    @Test("the login, in every version of it, byte by byte")
    func login() throws {
        var login = DisplayLogin(password: Secret("testtest"))
        var said: [UInt8] = []
        let challenge = [UInt8](0..<16)
        let display: [[UInt8]] = [
            Array("RFB 003.008\n".utf8), [2, 16, 2], challenge, [0, 0, 0, 0],
            Wire16.number(640) + Wire16.number(480) + [UInt8](repeating: 0, count: 16) + Wire16.number32(4)
                + Array("name".utf8) + [2],
        ]
        for byte in display.joined().dropLast() {
            guard case .reply(let reply) = try login.take([byte]) else { break }
            said += reply
        }
        let answer = VNCPassword.response(challenge: challenge, password: Secret("testtest"))
        #expect(said == Array("RFB 003.008\n".utf8) + [2] + answer + [1])
        #expect(login.isAdmitted)
        var whole = DisplayLogin(password: nil)
        let bytes = Array(Wire16.greeting(64, 48).joined()) + [2]
        #expect(
            try whole.take(bytes)
                == .done(reply: Array("RFB 003.008\n".utf8) + [1, 1], width: 64, height: 48, early: [2]))
    }

    @Test("a display that refuses says why")
    func refusal() throws {
        var login = DisplayLogin(password: nil)
        let words = Array("too many".utf8)
        #expect(throws: DisplayFault(cause: "refused: too many")) {
            try login.take(Array("RFB 003.008\n".utf8) + [0] + Wire16.number32(UInt32(words.count)) + words)
        }
        var without = DisplayLogin(password: nil)
        #expect(throws: DisplayFault(cause: "no way to log in")) {
            try without.take(Array("RFB 003.008\n".utf8) + [1, 2])
        }
    }

    @Test("a stock viewer's opening is what the relay expects of one")
    func native() throws {
        var viewer = NativeOpening()
        var relay = VeNCryptOpening()
        var toViewer = VeNCryptOpening.greeting
        var isSecure = false
        for _ in 0..<10 where !isSecure {
            let said: [UInt8]
            switch try viewer.take(toViewer) {
            case .reply(let reply): said = reply
            case .secure(let reply):
                said = reply
                isSecure = true
            }
            switch relay.viewerSent(said) {
            case .reply(let reply), .secure(let reply, _): toViewer = reply
            case .enter, .refused: Issue.record("too early")
            }
        }
        #expect(isSecure)
        let credentials = NativeOpening.credentials(name: "stress-0001+7", password: "secret")
        #expect(
            relay.viewerSent(credentials) == .enter(name: "stress-0001+7", password: Secret("secret"), early: []))
    }

    @Test("frames are read in pieces cut anywhere")
    func frames() throws {
        let long = [UInt8](repeating: 3, count: 300)
        let longer = [UInt8](repeating: 4, count: 70_000)
        let stream: [UInt8] =
            [0x82, 3, 1, 2, 3] + [0x89, 2, 8, 9] + [0x82, 126, 1, 44] + long + [0x82, 127, 0, 0, 0, 0, 0, 1, 17, 112]
            + longer + [0x8a, 0] + [0x82, 0] + [0x88, 2, 3, 232]
        for step in [1, 2, 7, 1000, stream.count] {
            var frames = ServerFrames()
            var data: [UInt8] = []
            var others: [ServerFrames.Event] = []
            for start in stride(from: 0, to: stream.count, by: step) {
                let piece = Array(stream[start..<min(start + step, stream.count)])
                try piece.withUnsafeBytes { raw in
                    var position = 0
                    while true {
                        switch try frames.next(raw, at: &position) {
                        case .needMore: return
                        case .data(let range): data += raw[range]
                        case let other:
                            others.append(other)
                            if case .close = other { return }
                        }
                    }
                }
            }
            #expect(data == [1, 2, 3] + long + longer)
            #expect(others == [.ping([8, 9]), .close(1000)])
        }
    }

    @Test("a viewer's frames are those the relay reads")
    func masking() throws {
        for count in [0, 1, 125, 126, 5000] {
            let payload = (0..<count).map { UInt8($0 & 255) }
            var frame = ViewerFrame.masked(payload, mask: 0x37fa_213d)
            var reader = WebSocketReader(acceptsText: false)
            var position = 0
            var data: [UInt8] = []
            frame.withUnsafeMutableBytes { raw in
                while case .data(let range, _) = reader.next(raw, at: &position) { data += raw[range] }
            }
            #expect(data == payload)
        }
    }

    @Test("a viewer asks for its picture, tells it once, and asks for what changes", arguments: StressPlan.Way.allCases)
    func talk(_ way: StressPlan.Way) throws {
        var talk = ViewerTalk(
            Pass(way: way, token: Secret("t"), name: "stress-0001+1", password: nil, host: "x"), watched: nil, seed: 1)
        var events = talk.connected()
        if way == .native {
            for bytes in [VeNCryptOpening.greeting, [1, 19], [0, 2], [0, 1, 0, 0, 1, 6], [1]] {
                events += try talk.hears(bytes)
            }
        }
        #expect(events.last == .secure)
        events = talk.secured()
        #expect(events.count == 1)
        func carried(_ bytes: [UInt8]) -> [UInt8] {
            way == .webSocket ? [0x82, 126] + Wire16.number(bytes.count) + bytes : bytes
        }
        switch way {
        case .native: events = []
        case .connect: events = try talk.hears(HTTPAnswer.connected)
        case .webSocket: events = try talk.hears(HTTPAnswer.upgraded(accept: "x", subprotocol: .binary))
        }
        for bytes in Wire16.greeting(20, 10).dropFirst(way == .native ? 2 : 0) {
            events += try talk.hears(carried(bytes))
        }
        #expect(events.filter { $0 == .admitted }.count == 1)
        #expect(events.filter { $0 == .began }.count == 1)
        #expect(talk.width == 20 && talk.height == 10)
        // A first answer with sizes alone, then half of the picture, then the rest.
        events = try talk.hears(carried(Wire16.update([Wire16.rectangle(0, 0, 20, 12, -223, [])])))
        #expect(!events.contains(.picture))
        events = try talk.hears(carried(Wire16.update([Wire16.raw(0, 0, 20, 6)])))
        #expect(!events.contains(.picture))
        events = try talk.hears(carried(Wire16.update([Wire16.raw(0, 6, 20, 6)])))
        #expect(events.contains(.picture))
        talk.look(true)
        events = try talk.hears(carried(Wire16.update([Wire16.raw(0, 0, 2, 2, colour: 200)])))
        #expect(!events.contains(.picture) && events.contains(.changed))
        guard case .send = events.last else {
            Issue.record("nothing more is asked for")
            return
        }
        #expect(talk.goodbye().isEmpty == (way != .webSocket))
    }

    @Test("an answer that lets nobody pass is a fault that says what it was")
    func answered() throws {
        var talk = ViewerTalk(
            Pass(way: .connect, token: Secret("t"), name: "", password: nil, host: "x"), watched: nil, seed: 1)
        _ = talk.connected()
        _ = talk.secured()
        #expect(throws: DisplayFault(cause: "answered 403 Forbidden: That token leads nowhere.")) {
            try talk.hears(HTTPAnswer.refusal("403 Forbidden", reason: "That token leads nowhere."))
        }
    }
}

@Suite("nothing that a gateway says makes a viewer trap")
struct HostileGatewayTests {
    /// Everything a gateway says to a viewer of each way, up to its first picture.
    private static func whole(_ way: StressPlan.Way) -> (clear: [UInt8], secret: [UInt8]) {
        let picture = Wire16.update([Wire16.raw(0, 0, 20, 10)])
        let display = Array(Wire16.greeting(20, 10).joined())
        switch way {
        case .connect: return ([], HTTPAnswer.connected + display + picture)
        case .webSocket:
            let frames = [display, picture].map { [0x82, 126] + Wire16.number($0.count) + $0 }
            let head = HTTPAnswer.upgraded(accept: "x", subprotocol: .binary)
            return ([], head + frames[0] + [0x89, 1, 7] + frames[1] + [0x88, 0])
        case .native:
            let greeting = VeNCryptOpening.greeting + [1, 19] + [0, 2] + [0, 1, 0, 0, 1, 6] + [1]
            return (greeting, Array(Wire16.greeting(20, 10).dropFirst(2).joined()) + picture)
        }
    }

    private static func play(_ clear: [UInt8], _ secret: [UInt8], _ way: StressPlan.Way, cut: Int) -> [ViewerTalk.Event]
    {
        var talk = ViewerTalk(
            Pass(way: way, token: Secret("t"), name: "n", password: nil, host: "x"), watched: nil, seed: 1)
        var events = talk.connected()
        do {
            if !clear.isEmpty { events += try talk.hears(clear) }
            events += talk.secured()
            events += try talk.hears(Array(secret.prefix(cut)))
            if cut < secret.count { events += try talk.hears(Array(secret.dropFirst(cut))) }
        } catch {
            return events
        }
        return events
    }

    @Test("wherever its words are cut", arguments: StressPlan.Way.allCases)
    func cuts(_ way: StressPlan.Way) {
        let (clear, secret) = Self.whole(way)
        for cut in 0...secret.count {
            #expect(Self.play(clear, secret, way, cut: cut).contains(.picture), "cut at \(cut)")
        }
    }

    @Test("whichever byte is another", arguments: StressPlan.Way.allCases)
    func changes(_ way: StressPlan.Way) {
        let (clear, secret) = Self.whole(way)
        for value: UInt8 in [0, 1, 0x7f, 0x80, 0xff] {
            for place in secret.indices {
                var changed = secret
                changed[place] = value
                _ = Self.play(clear, changed, way, cut: changed.count)
            }
            for place in clear.indices {
                var changed = clear
                changed[place] = value
                _ = Self.play(changed, secret, way, cut: secret.count)
            }
        }
    }

    @Test("whatever it says", arguments: StressPlan.Way.allCases)
    func noise(_ way: StressPlan.Way) {
        var chances = SeededGenerator(seed: 11)
        let (clear, secret) = Self.whole(way)
        for _ in 0..<300 {
            let start = Int.random(in: 0..<secret.count, using: &chances)
            let noise = (0..<200).map { _ in UInt8.random(in: .min ... .max, using: &chances) }
            _ = Self.play(clear, Array(secret.prefix(start)) + noise, way, cut: start)
        }
    }
}

extension ViewerTalk {
    mutating func hears(_ bytes: [UInt8]) throws -> [Event] {
        try bytes.withUnsafeBytes { raw in try Result { () throws(DisplayFault) in try heard(raw) }.get() }
    }
}
