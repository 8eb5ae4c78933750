import Testing

@testable import ViewRelay

@Suite("a line of those who wait equally long")
struct DelayLineTests {
    @Test("who came first is due first, and not before its time")
    func order() {
        var line = DelayLine(delay: 2.5)
        #expect(line.next { _ in true } == nil)
        #expect(line.take(at: 1000) == nil)
        line.add(7, at: 10)
        line.add(3, at: 11)
        line.add(9, at: 11)
        #expect(line.next { _ in true } == 12.5)
        #expect(line.take(at: 12.4) == nil)
        #expect(line.take(at: 12.5) == 7)
        #expect(line.take(at: 12.5) == nil)
        #expect(line.take(at: 20) == 3)
        #expect(line.take(at: 20) == 9)
        #expect(line.take(at: 20) == nil)
        #expect(line.count == 0)
    }

    @Test("nobody is woken for who waits no longer")
    func unwanted() {
        var line = DelayLine(delay: 1)
        for serial in 0..<5 as Range<UInt64> { line.add(serial, at: Double(serial)) }
        #expect(line.next { $0 >= 3 } == 4)
        #expect(line.count == 2)
        // Behind one who is wanted, others stay in line until their time.
        #expect(line.next { $0 == 3 } == 4)
        #expect(line.take(at: 9) == 3)
        #expect(line.next { $0 == 3 } == nil)
        #expect(line.count == 0)
    }

    @Test("a long line keeps its order, and little of who left")
    func long() {
        var line = DelayLine(delay: 1)
        var taken: UInt64 = 0
        for serial in 0..<10_000 as Range<UInt64> {
            line.add(serial, at: Double(serial))
            while let next = line.take(at: Double(serial)) {
                #expect(next == taken)
                taken += 1
            }
            #expect(line.count <= 1)
        }
        #expect(taken == 9_999)
    }
}
