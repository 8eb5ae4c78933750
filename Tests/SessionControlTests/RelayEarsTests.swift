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

    @Test("to a relay that leaves no viewer comes: without its successor there is silence, and its views live")
    func leaving() {
        var ears = RelayEars(now: start)
        ears.look([relay(5)], now: at(5))
        for seconds in stride(from: 10, through: 60, by: 10) {
            let leaving = RelayRecord(name: "one", instance: "one", beats: UInt64(seconds))
            ears.look([leaving], now: at(seconds))
            if seconds == 20 { #expect(ears.sight(now: at(20)) == .unknown) }
        }
        #expect(ears.sight(now: at(60)) == .silent)
        #expect(ears.dead(now: at(60)).isEmpty)
        #expect(ears.dead(now: at(120)) == ["one"])
        let successor = relay(1, instance: "two")
        ears.look([successor, RelayRecord(name: "one", instance: "one", beats: 60)], now: at(65))
        #expect(ears.sight(now: at(65)) == .heard)
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
