import HostProtocol
import SessionModel
import Testing

@testable import Isolation

@Suite("the keeper's look at its display")
struct DisplayClientTests {
    private static let password = Secret("abcd1234")
    private static let pixel = DisplayClient.Rectangle(left: 0, top: 0, width: 1, height: 1)
    private static let greeted: [UInt8] = Array("RFB 003.008\n".utf8)
    private static let letIn: [UInt8] = [1, 2] + [UInt8](1...16) + [0, 0, 0, 0]
    private static let described: [UInt8] =
        [4, 0, 3, 0, 32, 24, 0, 1, 0, 255, 0, 255, 0, 255, 16, 8, 0, 0, 0, 0, 0, 0, 0, 7] + Array("maxwell".utf8)
    /// What an Xvnc of 1024x768 sends until requests may come.
    private static let opening: [UInt8] = greeted + letIn + described
    /// An update that tells the size, as `reason` and with `status`: one screen, 9.
    private static func size(_ reason: UInt8, _ status: UInt8, _ sides: [UInt8]) -> [UInt8] {
        let head: [UInt8] = [0, 0, 0, 1, 0, reason, 0, status] + sides
        let screen: [UInt8] = [0, 0, 0, 9, 0, 0, 0, 0] + sides + [0, 0, 0, 0]
        return head + [255, 255, 254, 204, 1, 0, 0, 0] + screen
    }
    /// An update of one black pixel.
    private static let black: [UInt8] = [0, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]

    private func sent(_ actions: [DisplayCheck.Action]) -> [[UInt8]] {
        actions.compactMap { if case .send(let bytes) = $0 { bytes } else { nil } }
    }

    /// A check that has passed once, with the screen told.
    private func passed() -> DisplayCheck {
        var check = DisplayCheck(password: Self.password)
        _ = check.received(Self.opening + Self.size(0, 0, [4, 0, 3, 0]) + Self.black)
        return check
    }

    @Test("it greets, answers the challenge, shares, and asks for one pixel", arguments: [1, 7, 1000])
    func opening(step: Int) {
        var check = DisplayCheck(password: Self.password)
        var actions: [DisplayCheck.Action] = []
        for start in stride(from: 0, to: Self.opening.count, by: step) {
            actions += check.received(Self.opening[start..<min(start + step, Self.opening.count)])
        }
        let said = sent(actions)
        #expect(said.count == 7)
        #expect(said[0] == Array("RFB 003.008\n".utf8) && said[1] == [2] && said[3] == [1])
        #expect(said[2] == VNCPassword.response(challenge: [UInt8](1...16), password: Self.password))
        #expect(said[6] == DisplayClient.request(Self.pixel, onlyChanges: false))
        #expect(check.received(Self.black) == [.passed])
    }

    @Test("of a display that will wait the first look ends before the password; the next one goes on from there")
    func waiting() {
        var check = DisplayCheck(password: Self.password, waits: true)
        let challenged = Self.opening.prefix(12 + 18)
        #expect(sent(check.received(challenged)) == [Array("RFB 003.008\n".utf8), [2]])
        #expect(
            check.look(size: .usual)
                == [.send(VNCPassword.response(challenge: [UInt8](1...16), password: Self.password))])
        let said = sent(check.received(Self.opening.dropFirst(challenged.count)))
        #expect(said.last == DisplayClient.request(Self.pixel, onlyChanges: false))
        #expect(check.received(Self.black) == [.passed])
        #expect(check.look(size: .usual) == [.send(DisplayClient.request(Self.pixel, onlyChanges: false))])
    }

    @Test("an update without a pixel is followed by another request")
    func sizeFirst() {
        var check = DisplayCheck(password: Self.password)
        _ = check.received(Self.opening)
        #expect(
            check.received(Self.size(0, 0, [4, 0, 3, 0]))
                == [.send(DisplayClient.request(Self.pixel, onlyChanges: true))])
        #expect(check.received(Self.black) == [.passed])
    }

    @Test("a size that fits needs only a pixel; another is set after it, on the screen the display told")
    func resize() throws {
        var check = passed()
        #expect(check.look(size: .usual) == [.send(DisplayClient.request(Self.pixel, onlyChanges: false))])
        #expect(check.received(Self.black) == [.passed])
        #expect(
            check.look(size: try Geometry("1280x720"))
                == [.send(DisplayClient.request(Self.pixel, onlyChanges: false))])
        let asked = try #require(sent(check.received(Self.black)).first)
        #expect(asked.prefix(12) == [251, 0, 5, 0, 2, 208, 1, 0, 0, 0, 0, 9])
        #expect(asked.count == 24 + 10)
        // Another client's size is no answer.
        #expect(!check.received(Self.size(2, 0, [4, 0, 3, 0])).contains(.passed))
        #expect(check.received(Self.size(1, 0, [5, 0, 2, 208])).contains(.passed))
    }

    @Test("a size that is refused, or that the display cannot set, is a failure, and it is never asked to crash")
    func refusedSize() throws {
        var check = passed()
        _ = check.look(size: try Geometry("1280x720"))
        _ = check.received(Self.black)
        #expect(check.received(Self.size(1, 1, [4, 0, 3, 0])).contains(.failed("it refused its size: 1")))
        var old = DisplayCheck(password: Self.password)
        _ = old.received(Self.opening + Self.black)
        _ = old.look(size: try Geometry("1280x720"))
        #expect(old.received(Self.black).contains(.failed("its size cannot be set")))
    }

    /// An update of one rectangle: its sides, two bytes each, and its encoding, with what follows.
    private static func update(_ width: [UInt8], _ height: [UInt8], _ rest: [UInt8]) -> [UInt8] {
        opening + [0, 0, 0, 1, 0, 0, 0, 0] + width + height + rest
    }

    private static let strangers: [(cause: String, bytes: [UInt8])] = [
        ("no greeting", Array("HTTP/1.1 400".utf8)),
        ("it lets nobody in", opening[..<12] + [0]),
        ("no VncAuth", opening[..<12] + [1, 1]),
        ("the password was refused", opening[..<30] + [0, 0, 0, 1]),
        ("a desktop of 0x0", opening[..<34] + [UInt8](repeating: 0, count: 24)),
        ("a message 9", opening + [9]),
        ("a rectangle outside of what was asked for", update([4, 1], [0, 1], [0, 0, 0, 0])),
        ("a rectangle outside of what was asked for", update([4, 0], [3, 0], [0, 0, 0, 0])),
        ("an encoding 7", update([0, 1], [0, 1], [0, 0, 0, 7])),
        ("a desktop without a screen", update([0, 1], [0, 1], [255, 255, 254, 204, 0, 0, 0, 0])),
    ]

    @Test("what no display sends is a failure", arguments: strangers.indices)
    func strange(index: Int) {
        let (cause, bytes) = Self.strangers[index]
        var check = DisplayCheck(password: Self.password)
        #expect(check.received(bytes).last == .failed(cause))
    }

    @Test("bells, colours and cut texts are passed over, however long")
    func passedOver() {
        var check = DisplayCheck(password: Self.password)
        _ = check.received(Self.opening + [2, 1, 0, 0, 0, 0, 2] + [UInt8](repeating: 7, count: 12))
        #expect(check.received([3, 0, 0, 0, 0, 1, 0, 0]) == [])
        #expect(check.received([UInt8](repeating: 0, count: 65536)) == [])
        #expect(check.received(Self.black) == [.passed])
    }

    @Test("no bytes trap it: random ones, and a true display's with some changed", arguments: 0..<8)
    func anyBytes(seed: UInt64) {
        var generator = Seeded(state: seed)
        let whole =
            Self.opening + Self.size(0, 0, [4, 0, 3, 0]) + Self.black + Self.size(1, 0, [5, 0, 2, 208]) + Self.black
        for round in 0..<2000 {
            var check = DisplayCheck(password: Self.password, waits: Bool.random(using: &generator))
            var bytes = whole
            if round.isMultiple(of: 4) {
                let tail = (0..<200).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
                bytes = Self.opening.prefix(Int.random(in: 0...Self.opening.count, using: &generator)) + tail
            } else {
                for _ in 0..<Int.random(in: 1...4, using: &generator) {
                    bytes[Int.random(in: 0..<bytes.count, using: &generator)] = .random(
                        in: .min ... .max, using: &generator)
                }
            }
            while !bytes.isEmpty {
                let count = Int.random(in: 1...bytes.count, using: &generator)
                let actions = check.received(bytes[..<count])
                bytes.removeFirst(count)
                if actions.contains(.passed) { _ = check.look(size: Bool.random(using: &generator) ? .usual : .small) }
                if actions.contains(where: { if case .failed = $0 { true } else { false } }) { break }
            }
        }
    }
}

extension Geometry {
    fileprivate static let small = (try? Geometry("640x480")) ?? .usual
}

/// The same numbers for the same seed (SplitMix64).
private struct Seeded: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = (state ^ state >> 30) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ mixed >> 27) &* 0x94d0_49bb_1331_11eb
        return mixed ^ mixed >> 31
    }
}
