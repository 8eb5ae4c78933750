import SessionModel
import SessionStore
import Testing

@testable import SessionControl

@Suite("Which relays live") struct RelayEarsTests {
    private let start = ContinuousClock.now

    private func relay(_ beats: UInt64, instance: String = "one") -> RelayRecord {
        RelayRecord(name: "gate", instance: instance, beats: beats)
    }

    private func at(_ seconds: Int) -> ContinuousClock.Instant { start + .seconds(seconds) }

    @Test("a relay is heard once its figure moves, and silent half a minute after it stood still")
    func heard() {
        var ears = RelayEars(now: start)
        ears.look([relay(5)], now: at(5))
        #expect(ears.sight(now: at(5)) == .unknown)
        ears.look([relay(6)], now: at(10))
        #expect(ears.sight(now: at(39)) == .heard)
        ears.look([relay(6)], now: at(39))
        #expect(ears.sight(now: at(40)) == .silent)
        #expect(ears.dead(now: at(69)).isEmpty)
        #expect(ears.dead(now: at(70)) == ["one"])
        ears.look([relay(7)], now: at(45))
        #expect(ears.sight(now: at(45)) == .heard)
    }

    @Test("without any relay there is silence after half a minute")
    func none() {
        var ears = RelayEars(now: start)
        ears.look([], now: at(10))
        #expect(ears.sight(now: at(29)) == .unknown)
        #expect(ears.sight(now: at(30)) == .silent)
    }

    @Test("a new life of a relay is heard at once")
    func newLife() {
        var ears = RelayEars(now: start)
        ears.look([relay(5)], now: at(5))
        ears.look([relay(1, instance: "two")], now: at(10))
        #expect(ears.sight(now: at(11)) == .heard)
        #expect(ears.dead(now: at(100)) == ["two"])
    }

    @Test("after a time in which nobody looked, nobody is blamed for his silence in it")
    func blind() {
        var ears = RelayEars(now: start)
        ears.look([relay(5)], now: at(5))
        ears.look([relay(6)], now: at(10))
        ears.look([relay(6)], now: at(300))
        #expect(ears.sight(now: at(300)) == .unknown)
        #expect(ears.dead(now: at(300)).isEmpty)
    }
}
