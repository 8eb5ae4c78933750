import SessionModel
import Testing

/// The rule under test, asked without a `var`.
private final class Door {
    private var slowDown = EntrySlowDown()

    func turn(_ account: String?, _ source: String, came: Double, now: Double) -> EntrySlowDown.Turn {
        slowDown.turn(account: account, source: source, came: came, now: now)
    }

    func ended(_ account: String?, _ source: String, isRight: Bool?, now: Double) {
        slowDown.ended(account: account, source: source, isRight: isRight, now: now)
    }

    /// One attempt, checked as soon as it may be: how long it waited, or nil when it gave up.
    func attempt(_ account: String?, _ source: String, at came: Double, isRight: Bool? = false) -> Double? {
        var now = came
        while true {
            switch turn(account, source, came: came, now: now) {
            case .now:
                ended(account, source, isRight: isRight, now: now)
                return now - came
            case .later(let seconds): now += seconds
            case .refused: return nil
            }
        }
    }
}

@Suite("whoever guesses passwords")
struct EntrySlowDownTests {
    @Test("waits 1, 2, 4, 8, then 10 s after three wrong ones in a row, from wherever they come")
    func ofAccount() {
        let door = Door()
        let waits = (0..<9).map { door.attempt("alice", "place \($0)", at: Double($0) * 100) }
        #expect(waits == [0, 0, 0, 1, 2, 4, 8, 10, 10])
    }

    @Test("waits so for whatever account, a name that is none too")
    func ofSource() {
        let door = Door()
        let waits = (0..<9).map { door.attempt($0 % 2 == 0 ? "user \($0)" : nil, "here", at: Double($0) * 100) }
        #expect(waits == [0, 0, 0, 1, 2, 4, 8, 10, 10])
        #expect(door.attempt("user", "elsewhere", at: 1000) == 0)
    }

    @Test("waits with a right one too, after which nothing is held against it")
    func right() {
        let door = Door()
        for number in 0..<4 { _ = door.attempt("alice", "here", at: Double(number) * 100) }
        #expect(door.attempt("alice", "here", at: 500, isRight: true) == 2)
        let waits = (0..<4).map { door.attempt("alice", "here", at: 600 + Double($0) * 10) }
        #expect(waits == [0, 0, 0, 1])
    }

    @Test("is charged nothing for what could not be checked")
    func notChecked() {
        let door = Door()
        for number in 0..<9 {
            #expect(door.attempt("alice", "here", at: Double(number), isRight: nil) == 0)
        }
    }

    @Test("is forgotten after a quarter of an hour")
    func forgotten() {
        let door = Door()
        for number in 0..<4 { _ = door.attempt("alice", "here", at: Double(number)) }
        #expect(door.attempt("alice", "here", at: 904.1) == 0)
    }

    @Test("has one check of an account at a time, and eight of a place")
    func atATime() {
        let door = Door()
        #expect(door.turn("alice", "here", came: 0, now: 0) == .now)
        #expect(door.turn("alice", "there", came: 0, now: 0) == .later(0.05))
        for number in 1..<8 {
            #expect(door.turn("user \(number)", "here", came: 0, now: 0) == .now)
        }
        #expect(door.turn("bob", "here", came: 0, now: 0) == .later(0.05))
        door.ended("alice", "here", isRight: true, now: 0.1)
        #expect(door.turn("alice", "here", came: 0, now: 0.1) == .now)
    }

    @Test("gains nothing by coming many at a time: each waits from the one before, and gives up where that is too long")
    func crowd() {
        let door = Door()
        for number in 0..<8 { _ = door.attempt("alice", "here", at: Double(number) * 20) }
        // A hundred at once: checked when they may be, each wrong one keeps the others for 10 s more.
        var waiting = Array(repeating: 200.0, count: 100)
        var checked: [Double] = []
        while !waiting.isEmpty {
            var next: [Double] = []
            for now in waiting {
                switch door.turn("alice", "here", came: 200, now: now) {
                case .now:
                    door.ended("alice", "here", isRight: false, now: now)
                    checked.append(now)
                case .later(let seconds): next.append(now + seconds)
                case .refused: break
                }
            }
            waiting = next
        }
        #expect(checked == [210, 220])
        #expect(door.turn("alice", "here", came: 200, now: 220) == .refused)
    }

    @Test("is one of a thousand that are remembered: the oldest is forgotten, never one that is being checked")
    func limited() {
        let door = Door()
        for _ in 0..<4 { _ = door.attempt("alice", "first", at: 0) }
        for _ in 0..<4 { _ = door.attempt("bob", "second", at: 1) }
        for number in 0..<998 {
            _ = door.attempt("user \(number)", "place \(number)", at: 50 + Double(number) / 1000)
        }
        #expect(door.attempt("alice", "elsewhere", at: 55, isRight: nil) == 2)
        #expect(door.turn("carol", "third", came: 56, now: 56) == .now)
        #expect(door.turn("dave", "fourth", came: 56, now: 56) == .now)
        #expect(door.attempt("alice", "elsewhere", at: 57, isRight: nil) == 0)
        #expect(door.attempt("bob", "elsewhere", at: 57, isRight: nil) == 0)
        #expect(door.turn("carol", "third", came: 58, now: 58) == .later(0.05))
    }
}
