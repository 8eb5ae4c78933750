import RelayProtocol
import SessionModel
import Testing

@Suite("what a stock native viewer says first")
struct VeNCryptOpeningTests {
    typealias Step = VeNCryptOpening.Step

    static let v38 = Array("RFB 003.008\n".utf8)
    static let v37 = Array("RFB 003.007\n".utf8)
    static let x509Plain: [UInt8] = [0, 0, 1, 6]
    /// Up to TLS.
    static let clear: [UInt8] = v38 + [19, 0, 2] + x509Plain
    /// Inside it: alice, "open sesame".
    static let credentials: [UInt8] = [0, 0, 0, 5, 0, 0, 0, 11] + Array("aliceopen sesame".utf8)

    static func string(_ text: String) -> [UInt8] { [0, 0, 0, UInt8(text.utf8.count)] + Array(text.utf8) }

    @Test("each of its words has its answer")
    func dialogue() {
        var opening = VeNCryptOpening()
        #expect(VeNCryptOpening.greeting == Self.v38)
        #expect(opening.viewerSent(Self.v38) == .reply([1, 19]))
        #expect(opening.viewerSent([19]) == .reply([0, 2]))
        #expect(opening.viewerSent([0, 2]) == .reply([0, 1, 0, 0, 1, 6]))
        #expect(opening.viewerSent(Self.x509Plain) == .secure(reply: [1], early: []))
        #expect(
            opening.viewerSent(Self.credentials) == .enter(name: "alice", password: Secret("open sesame"), early: []))
        #expect(opening.viewerSent([1, 2, 3]) == .reply([]))
    }

    @Test("all of it at once, and byte by byte, comes to the same, and what follows is kept")
    func pieces() {
        var whole = VeNCryptOpening()
        let replies: [UInt8] = [1, 19, 0, 2, 0, 1, 0, 0, 1, 6, 1]
        #expect(whole.viewerSent(Self.clear + [22, 3, 1]) == .secure(reply: replies, early: [22, 3, 1]))
        #expect(
            whole.viewerSent(Self.credentials + [1, 9])
                == .enter(name: "alice", password: Secret("open sesame"), early: [1, 9]))
        var parts = VeNCryptOpening()
        var said: [UInt8] = []
        for byte in Self.clear {
            switch parts.viewerSent([byte]) {
            case .reply(let reply): said += reply
            case .secure(let reply, let early): said += reply + early
            case let other: Issue.record("\(other)")
            }
        }
        #expect(said == replies)
        for byte in Self.credentials.dropLast() { #expect(parts.viewerSent([byte]) == .reply([])) }
        #expect(
            parts.viewerSent(Self.credentials.suffix(1))
                == .enter(name: "alice", password: Secret("open sesame"), early: []))
    }

    @Test(
        "a version is taken or refused",
        arguments: [
            ("RFB 003.008\n", true), ("RFB 003.007\n", true), ("RFB 003.889\n", true), ("RFB 004.001\n", true),
            ("RFB 003.003\n", false), ("RFB 003.005\n", false), ("RFB 003.006\n", false), ("RFB 002.000\n", false),
        ])
    func versions(_ version: String, isTaken: Bool) {
        var opening = VeNCryptOpening()
        let step = opening.viewerSent(Array(version.utf8))
        guard isTaken else {
            let words = "This gateway needs a viewer that speaks RFB 3.7 or later with VeNCrypt, such as TigerVNC."
            #expect(step == .refused(reply: [0, 0, 0, 0] + Self.string(words), .tooOld))
            return
        }
        #expect(step == .reply([1, 19]))
    }

    @Test("what is no RFB gets no answer")
    func noRFB() {
        for bytes in [
            "GET / HTTP/1.1\r\n", "RFB 003.008\r\n", "RFB 00x.008\n",
            "RFB\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}",
        ] {
            var opening = VeNCryptOpening()
            #expect(opening.viewerSent(Array(bytes.utf8)) == .refused(reply: [], .noRFB))
        }
    }

    @Test(
        "another choice is refused, with a reason where there is a place for one",
        arguments: [
            ([2] as [UInt8], [0, 0, 0, 1] as [UInt8], VeNCryptOpening.Fault.noVeNCrypt),
            ([1], [0, 0, 0, 1], .noVeNCrypt),
            ([19, 0, 1], [255], .otherVeNCrypt), ([19, 0, 0], [255], .otherVeNCrypt),
            ([19, 1, 2], [255], .otherVeNCrypt),
            ([19, 0, 2, 0, 0, 1, 0], [0, 0, 0, 0, 1], .otherSubtype),
            ([19, 0, 2, 0, 0, 1, 7], [0, 0, 0, 0, 1], .otherSubtype),
            ([19, 0, 2, 0, 0, 0, 0], [0, 0, 0, 0, 1], .otherSubtype),
        ])
    func choices(_ said: [UInt8], _ last: [UInt8], _ fault: VeNCryptOpening.Fault) {
        for (version, hasReason) in [(Self.v38, true), (Self.v37, false)] {
            var opening = VeNCryptOpening()
            var answers: [UInt8] = []
            for (index, byte) in (version + said).enumerated() {
                switch opening.viewerSent([byte]) {
                case .reply(let reply): answers += reply
                case .refused(let reply, let why):
                    #expect(index == version.count + said.count - 1)
                    #expect(why == fault)
                    #expect(reply.starts(with: last))
                    #expect((reply.count > last.count) == (hasReason && fault != .otherVeNCrypt))
                case let other: Issue.record("\(other)")
                }
            }
            #expect(answers.starts(with: [1, 19]))
        }
    }

    @Test("a refusal after an early choice comes after the answers to what came with it")
    func refusedInOneGo() {
        var opening = VeNCryptOpening()
        guard case .refused(let reply, .otherSubtype) = opening.viewerSent(Self.v37 + [19, 0, 2, 0, 0, 0, 1]) else {
            Issue.record("taken")
            return
        }
        #expect(reply == [1, 19, 0, 2, 0, 1, 0, 0, 1, 6, 0, 0, 0, 0, 1])
    }

    @Test(
        "a name or a password of more than 1,024 bytes is refused by its length alone",
        arguments: [
            ([0, 0, 4, 0, 0, 0, 4, 0] as [UInt8], true), ([0, 0, 4, 1, 0, 0, 0, 0], false),
            ([0, 0, 0, 0, 0, 0, 4, 1], false),
            ([255, 255, 255, 255, 255, 255, 255, 255], false), ([0, 0, 0, 1, 128, 0, 0, 0], false),
        ])
    func lengths(_ lengths: [UInt8], isTaken: Bool) {
        var opening = VeNCryptOpening()
        _ = opening.viewerSent(Self.clear)
        let step = opening.viewerSent(lengths)
        guard isTaken else {
            let words = "The name or the password is too long."
            #expect(step == .refused(reply: [0, 0, 0, 1] + Self.string(words), .oversized))
            return
        }
        #expect(step == .reply([]))
        let (name, password) = (String(repeating: "n", count: 1024), String(repeating: "p", count: 1024))
        #expect(
            opening.viewerSent(Array((name + password).utf8))
                == .enter(name: name, password: Secret(password), early: []))
    }

    @Test("nothing typed is nothing, and other bytes than UTF-8 are marked")
    func oddWords() {
        var opening = VeNCryptOpening()
        _ = opening.viewerSent(Self.clear)
        #expect(
            opening.viewerSent([UInt8](repeating: 0, count: 8)) == .enter(name: "", password: Secret(""), early: []))
        opening = VeNCryptOpening()
        _ = opening.viewerSent(Self.clear)
        #expect(
            opening.viewerSent([0, 0, 0, 1, 0, 0, 0, 1, 0xfc, 0xe4])
                == .enter(name: "\u{fffd}", password: Secret("\u{fffd}"), early: []))
    }

    @Test("the words of a refusal go to 3.8 alone")
    func refusals() {
        var opening = VeNCryptOpening()
        _ = opening.viewerSent(Self.v38)
        #expect(opening.refusal("no") == [0, 0, 0, 1, 0, 0, 0, 2, 110, 111])
        opening = VeNCryptOpening()
        _ = opening.viewerSent(Self.v37)
        #expect(opening.refusal("no") == [0, 0, 0, 1])
        #expect(VeNCryptOpening.granted == [0, 0, 0, 0])
    }

    @Test("who is turned away hears why before anything is offered")
    func turnedAway() {
        for (version, none) in [
            (Self.v38, [0] as [UInt8]), (Self.v37, [0]), (Array("RFB 003.003\n".utf8), [0, 0, 0, 0]),
        ] {
            var opening = VeNCryptOpening(turnedAway: "full")
            #expect(opening.viewerSent(version) == .refused(reply: none + Self.string("full"), .turnedAway))
        }
    }

    @Test("no prefix, no changed byte and no random bytes make it trap, and pieces change nothing")
    func attack() {
        for bytes in AttackTests.variations(of: Self.clear + Self.credentials + [1]) {
            #expect(outcome(bytes, piece: max(bytes.count, 1)) == outcome(bytes, piece: 1))
        }
    }

    /// What is answered in all, and how it ends.
    private func outcome(_ bytes: [UInt8], piece: Int) -> [String] {
        var opening = VeNCryptOpening()
        var (answers, events): ([UInt8], [String]) = ([], [])
        var left = bytes
        while !left.isEmpty {
            let part = Array(left.prefix(piece))
            left.removeFirst(part.count)
            switch opening.viewerSent(part) {
            case .reply(let reply): answers += reply
            case .secure(let reply, let early):
                answers += reply
                events.append("secure")
                left = early + left
            case .enter(let name, let password, let early):
                events.append("enter \(name) \(password.exposed) \(early.count + left.count)")
                left = []
            case .refused(let reply, let fault):
                answers += reply
                events.append("refused \(fault)")
                left = []
            }
        }
        return ["\(answers)"] + events
    }
}

@Suite("a display for a viewer who has shown who it is")
struct AdmittedHandshakeTests {
    static let v38 = Array("RFB 003.008\n".utf8)

    @Test("the relay answers the display, and only then the viewer hears that it may enter")
    func admitted() throws {
        var said = RFBHandshake.Output()
        var machine = RFBHandshake(admittedWith: Secret("testtest"), allowsNone: false)
        #expect(machine.owesResult)
        said = try machine.displaySent(Self.v38)
        #expect(said == .init(toDisplay: Self.v38))
        said = try machine.displaySent([2, 1, 2])
        #expect(said == .init(toDisplay: [2]))
        let challenge = [UInt8](0..<16)
        let answer = VNCPassword.response(challenge: challenge, password: Secret("testtest"))
        said = try machine.displaySent(challenge)
        #expect(said == .init(toDisplay: answer))
        #expect(machine.owesResult)
        said = try machine.displaySent([0, 0, 0, 0])
        #expect(said == .init(toViewer: [0, 0, 0, 0]))
        #expect(!machine.owesResult)
        said = try machine.viewerSent([0, 7])
        #expect(said == .init(toDisplay: [1]))
        #expect(machine.progress == .done)
        #expect(machine.leftover().fromViewer == [7])
    }

    @Test("a viewer that speaks early is heard in its turn")
    func early() throws {
        var said = RFBHandshake.Output()
        var machine = RFBHandshake(admittedWith: Secret("testtest"), allowsNone: false)
        said = try machine.viewerSent([1, 5])
        #expect(said == .init())
        _ = try machine.displaySent(Self.v38 + [1, 2] + [UInt8](0..<16))
        said = try machine.displaySent([0, 0, 0, 0])
        #expect(said == .init(toViewer: [0, 0, 0, 0], toDisplay: [1]))
        #expect(machine.leftover().fromViewer == [5])
    }

    @Test(
        "a display that refuses the relay, or offers nothing it can answer, leaves the viewer its refusal",
        arguments: [
            ([1, 1] as [UInt8], HandshakeFault.noCommonSecurity), ([0], .displayRefusedRelay),
            ([1, 2] + [UInt8](0..<16) + [0, 0, 0, 1], .displayRefusedRelay),
        ])
    func refused(_ said: [UInt8], _ fault: HandshakeFault) {
        var machine = RFBHandshake(admittedWith: Secret("testtest"), allowsNone: false)
        #expect(throws: fault) { _ = try machine.displaySent(Self.v38 + said) }
        #expect(machine.owesResult)
    }

    @Test("without a password only a display of a routes file that asks for none is entered")
    func none() throws {
        var said = RFBHandshake.Output()
        var machine = RFBHandshake(admittedWith: nil, allowsNone: true)
        said = try machine.displaySent(Self.v38 + [2, 2, 1])
        #expect(said == .init(toDisplay: Self.v38 + [1]))
        said = try machine.displaySent([0, 0, 0, 0])
        #expect(said == .init(toViewer: [0, 0, 0, 0]))
        for allowsNone in [false, true] {
            var other = RFBHandshake(admittedWith: nil, allowsNone: allowsNone)
            #expect(throws: HandshakeFault.noCommonSecurity) { try other.displaySent(Self.v38 + [1, 2]) }
        }
    }

    @Test("no prefix and no changed byte makes it trap")
    func attack() {
        let good = Self.v38 + [1, 2] + [UInt8](0..<16) + [0, 0, 0, 0]
        for bytes in AttackTests.variations(of: good) {
            for password in [nil, Secret("testtest")] {
                var machine = RFBHandshake(admittedWith: password, allowsNone: true)
                _ = try? machine.viewerSent([1])
                for byte in bytes { _ = try? machine.displaySent([byte]) }
            }
        }
    }
}
