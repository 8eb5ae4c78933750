import SessionModel
import Testing

@Suite("The pool over a day") struct PoolPlanTraceTests {
    @Test("a quiet night keeps the floor and nothing else: what is taken comes back, nothing is made in vain")
    func quietNight() {
        // Eight hours with a start every twenty minutes.
        let night = PoolTrace().live((0..<8 * 3600).map { $0 % 1200 == 600 ? 1 : 0 })
        #expect(night.starts == 24)
        #expect(night.warm == 24)
        #expect(night.dropFirst(5).ready.allSatisfy { (1...2).contains($0) })
        #expect(night.made == 26)
        #expect(night.ended == 0)
    }

    @Test("a class of 100 at once takes what is warm; the pool grows for those who come after, and shrinks slowly")
    func classAtOnce() {
        var starts = [Int](repeating: 0, count: 3 * 3600)
        starts[60] = 100
        for late in stride(from: 70, to: 100, by: 3) { starts[late] = 2 }
        let lived = PoolTrace().live(starts)
        #expect(lived[60].warm == 2)
        // The late ones all find a display.
        #expect(lived[70...].warm == 20)
        let peak = lived.ready.max() ?? 0
        #expect((12...80).contains(peak), "\(peak)")
        // Half an hour later there is an eighth of it above the floor, and the rest is gone in the end.
        let top = lived.ready.lastIndex(of: peak) ?? 0
        #expect(abs(lived[top + 600].ready - 2 - (peak - 2) / 2) <= 2, "\(lived[top + 600].ready) of \(peak)")
        #expect(abs(lived[top + 1800].ready - 2 - (peak - 2) / 8) <= 2, "\(lived[top + 1800].ready) of \(peak)")
        #expect(lived.ready.last == 2)
        // It never ends more than one a second, and never ends what it makes again.
        #expect(lived.allSatisfy { $0.ended <= 1 })
        #expect(lived[(top + 60)...].allSatisfy { $0.made == 0 })
    }

    @Test("a pool whose floor is the class serves all of it warm")
    func floorForTheClass() {
        var trace = PoolTrace()
        trace.rules.floor = 100
        var starts = [Int](repeating: 0, count: 120)
        starts[60] = 100
        #expect(trace.live(starts).warm == 100)
    }

    @Test("a steady load is served warm from its first minute on, without making and ending in turn", arguments: 1...3)
    func steadyLoad(perSecond: Int) {
        let lived = PoolTrace().live([Int](repeating: perSecond, count: 1800))
        #expect(lived[60...].allSatisfy { $0.warm == $0.starts })
        #expect(lived[60...].allSatisfy { $0.ended <= 1 && $0.ready <= 12 * perSecond })
        #expect(lived[120...].ended <= 10 * perSecond)
    }

    @Test("of a load that three hosts share each keeps a third")
    func shared() {
        var trace = PoolTrace()
        let alone = trace.live((0..<1800).map { _ in 3 })[1799].ready
        trace.sharing = 3
        let third = trace.live((0..<1800).map { _ in 1 })
        #expect(third[60...].allSatisfy { $0.warm == $0.starts })
        #expect(third[1799].ready < alone)
    }

    @Test(
        "a day with two classes: the pool is back at its floor between them, and the second finds what the first found")
    func twoClasses() {
        // 30 people within ten minutes, at nine and at two o'clock; one start in ten minutes otherwise.
        let starts = (0..<24 * 3600).map { second in
            let inClass = [9, 14].contains { (0..<600).contains(second - $0 * 3600) && second % 20 == 0 }
            return inClass || second % 600 == 300 ? 1 : 0
        }
        let lived = PoolTrace().live(starts)
        #expect(lived.warm == lived.starts)
        #expect(lived.starts == 2 * 30 + 24 * 6 - 2)
        for hour in [8, 13, 18] { #expect(lived[hour * 3600].ready == 2) }
        #expect((lived.ready.max() ?? 0) <= 4)
    }

    @Test("a host short of memory gives up ready displays for its sessions, and never goes back and forth")
    func shortOfMemory() {
        var trace = PoolTrace()
        trace.rules.floor = 10
        trace.memory = 2000
        trace.sessionMemory = 100
        trace.sessionSeconds = 3600
        // A session a minute, until there are twenty of them for 1,488 MiB above the reserve.
        let lived = trace.live((0..<5400).map { $0 % 60 == 30 && $0 < 1200 ? 1 : 0 })
        #expect(lived[30].ready >= 9)
        #expect(lived[1300].ready == 0)
        #expect(lived[..<780].allSatisfy { $0.left.map { $0 >= 512 - 16 - 100 } == true })
        // As the sessions end, the pool comes back.
        #expect(lived[5300].ready == 10)
        for second in lived.indices.dropFirst() where lived[second].ended > 0 {
            #expect(lived[(second + 1)..<min(second + 30, lived.count)].allSatisfy { $0.made == 0 || $0.starts > 0 })
        }
    }

    @Test("the pool never has more than the host may still use")
    func maximumUses() {
        var trace = PoolTrace()
        trace.maximumUses = 20
        trace.rules.floor = 4
        trace.sessionSeconds = 600
        let lived = trace.live((0..<1800).map { $0 % 10 == 5 && $0 < 300 ? 1 : 0 })
        #expect(lived.allSatisfy { $0.uses + $0.ready <= 20 })
        #expect(lived[199].uses == 20)
        #expect(lived[250].ready == 0)
        #expect(lived[..<200].warm == 20)
        #expect(lived[1799].ready == 4)
    }
}

@Suite("The pool's numbers") struct PoolPlanTests {
    private func facts(
        ready: Int = 0, starting: Int = 0, lastTen: Int = 0, lastSixty: Int = 0, sharing: Int = 1, refill: Double = 1,
        uses: Int = 0, most: Int = 0, memory: Int? = nil
    ) -> PoolPlan.Facts {
        PoolPlan.Facts(
            ready: ready, starting: starting, recent: .init(lastTen: lastTen, lastSixty: lastSixty), sharing: sharing,
            refillSeconds: refill, uses: uses, maximumUses: most, memoryAvailable: memory)
    }

    private func target(_ facts: PoolPlan.Facts, previous: Double = 0, elapsed: Double = 0) -> Double {
        PoolPlan.target(facts, previous: previous, elapsed: elapsed, rules: .init())
    }

    @Test("above the floor are the starts of one refill with headroom: the burst's rate or the minute's, the higher")
    func growth() {
        #expect(target(facts()) == 2)
        #expect(target(facts(lastTen: 10, lastSixty: 10, refill: 2)) == 5)
        #expect(target(facts(lastTen: 0, lastSixty: 120, refill: 2)) == 8)
        #expect(target(facts(lastTen: 10, lastSixty: 10, sharing: 3, refill: 2)) == 3)
        #expect(target(facts(lastTen: 10, lastSixty: 10, sharing: 0, refill: 2)) == 5)
    }

    @Test("it rises at once, and what is above the demand is halved every ten minutes")
    func decay() {
        #expect(target(facts(), previous: 66, elapsed: 0) == 66)
        #expect(target(facts(), previous: 66, elapsed: 600) == 34)
        #expect(target(facts(), previous: 66, elapsed: 1800) == 10)
        #expect(abs(target(facts(), previous: 66, elapsed: 300) - (2 + 64 / 2.0.squareRoot())) < 1e-9)
        #expect(target(facts(), previous: 66, elapsed: 1e9) == 2)
        var step = 66.0
        for _ in 0..<600 { step = target(facts(), previous: step, elapsed: 1) }
        #expect(abs(step - 34) < 1e-9)
        #expect(target(facts(lastTen: 100, lastSixty: 100), previous: 3, elapsed: 600) == 17)
    }

    @Test("max_uses and memory press it below the floor")
    func caps() {
        #expect(target(facts(uses: 9, most: 10)) == 1)
        #expect(target(facts(uses: 12, most: 10)) == 0)
        #expect(target(facts(memory: 512 + 15)) == 0)
        #expect(target(facts(memory: 512 + 16)) == 1)
        #expect(target(facts(ready: 1, starting: 1, memory: 512)) == 2)
        #expect(target(facts(ready: 2, memory: 512 - 15)) == 2)
        #expect(target(facts(ready: 2, memory: 512 - 16)) == 1)
        #expect(target(facts(ready: 2, memory: 0)) == 0)
    }

    @Test("what a host may tell wrong is no more than a bad number", arguments: [Int.min, -1, .max])
    func wrongMemory(memory: Int) {
        #expect((0.0...2).contains(target(facts(ready: 2, memory: memory))))
    }

    @Test("times that are none change nothing", arguments: [Double.nan, .infinity, -1])
    func wrongTimes(value: Double) {
        #expect((2.0...8).contains(target(facts(lastTen: 5, refill: value), previous: 8, elapsed: 0)))
        #expect((2.0...8).contains(target(facts(), previous: 8, elapsed: value)))
        #expect((2.0...8).contains(target(facts(), previous: value, elapsed: 1)))
    }

    @Test("what is starting counts as coming, and only what is ready is ended")
    func moves() {
        #expect(PoolPlan.moves(facts(ready: 1, starting: 1), target: 5) == .init(make: 3, end: 0))
        #expect(PoolPlan.moves(facts(ready: 3, starting: 2), target: 5) == .init(make: 0, end: 0))
        #expect(PoolPlan.moves(facts(ready: 3, starting: 4), target: 5) == .init(make: 0, end: 2))
        #expect(PoolPlan.moves(facts(ready: 1, starting: 9), target: 5) == .init(make: 0, end: 1))
        #expect(PoolPlan.moves(facts(ready: 9), target: 0) == .init(make: 0, end: 9))
    }

    @Test("a target is met to the nearest display, so that what fades reaches the floor")
    func nearest() {
        #expect(PoolPlan.moves(facts(ready: 3), target: 2.4) == .init(make: 0, end: 1))
        #expect(PoolPlan.moves(facts(ready: 2), target: 2.4) == .init(make: 0, end: 0))
        #expect(PoolPlan.moves(facts(ready: 2), target: 2.5) == .init(make: 1, end: 0))
        #expect(PoolPlan.moves(facts(ready: 2), target: .nan) == .init(make: 0, end: 2))
    }
}
