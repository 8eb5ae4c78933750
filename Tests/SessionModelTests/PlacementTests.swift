import SessionModel
import Testing

@Suite("Placement") struct PlacementTests {
    private func host(
        _ name: String, provisions: UInt64 = 1, zone: Int = 0, up: Bool = true, draining: Bool = false,
        aside: Bool = false, connected: Bool = true, uses: Int = 0, underWay: Int = 0, most: Int = 0, ready: Int = 0,
        memory: Int? = nil,
        load: Double? = nil,
        ofUser: Int = 0
    ) throws -> Placement.Candidate {
        Placement.Candidate(
            host: try HostName(name), provisions: provisions, zone: zone, isUp: up, isDraining: draining,
            isSetAside: aside, isConnected: connected, uses: uses, underWay: underWay, maximumUses: most, ready: ready,
            memoryAvailable: memory,
            loadPerCore: load, sessionsOfUser: ofUser)
    }

    private func order(
        _ hosts: [Placement.Candidate], required: UInt64 = 0, zone: Int? = nil, seed: UInt64 = 1
    ) throws -> [String] {
        try Placement.order(hosts, required: required, zone: zone, seed: seed).map(\.text)
    }

    /// The only order there is for every one of some seeds; nil when seeds decide.
    private func orderOfEverySeed(_ hosts: [Placement.Candidate]) throws -> [String]? {
        let orders = Set(try (0..<64).map { try order(hosts, seed: $0) })
        return orders.count == 1 ? orders.first : nil
    }

    @Test("each preference decides, whatever the seed, and gives way to those before it")
    func preferences() throws {
        let steps: [(better: Placement.Candidate, worse: Placement.Candidate)] = [
            (try host("b", uses: 9, memory: 1, load: 9, ofUser: 9), try host("a", aside: true, ready: 5)),
            (
                try host("b", uses: 9, memory: 256, load: 3.9, ofUser: 9),
                try host("a", ready: 5, memory: 255, load: 0)
            ),
            (try host("b", uses: 9, load: 3.9, ofUser: 9), try host("a", ready: 5, load: 4)),
            (try host("b", uses: 9, ready: 1, load: 3, ofUser: 9), try host("a", memory: 9999, load: 0)),
            (try host("b", uses: 1, load: 3, ofUser: 9), try host("a", uses: 2)),
            (try host("b", uses: 1, underWay: 3, load: 3, ofUser: 9), try host("a", uses: 2, underWay: 3)),
            (try host("b", uses: 2, underWay: 3, load: 3, ofUser: 9), try host("a", uses: 1, underWay: 5)),
            (try host("b", load: 0.9, ofUser: 9), try host("a", load: 1)),
            (try host("b", ofUser: 1), try host("a", ofUser: 2)),
        ]
        for (better, worse) in steps {
            #expect(try orderOfEverySeed([better, worse]) == ["b", "a"], "\(better) before \(worse)")
            #expect(try orderOfEverySeed([worse, better]) == ["b", "a"], "\(better) before \(worse)")
        }
    }

    @Test("what is unknown stands in nobody's way, and small differences of load are none")
    func equals() throws {
        let pairs: [(Placement.Candidate, Placement.Candidate)] = [
            (try host("a"), try host("b", memory: 256)),
            (try host("a"), try host("b", load: 0.49)),
            (try host("a", load: 1.5), try host("b", load: 1.99)),
            (try host("a", ready: 1), try host("b", ready: 20)),
            (try host("a", load: .nan), try host("b", load: -1)),
            (try host("a", load: .infinity), try host("b", load: 0)),
        ]
        for (one, other) in pairs { #expect(try orderOfEverySeed([one, other]) == nil, "\(one) and \(other)") }
    }

    @Test("uses count against the limits where every host has one, as they are otherwise")
    func relativeUses() throws {
        let large = try host("large", uses: 10, most: 100)
        let small = try host("small", uses: 5, most: 10)
        #expect(try orderOfEverySeed([small, large]) == ["large", "small"])
        #expect(try orderOfEverySeed([small, large, host("open", uses: 7)]) == ["small", "open", "large"])
    }

    @Test("a host without a limit that falls through a sieve does not change how the others are weighed")
    func fallenHosts() throws {
        let down = try host("down", up: false)
        let hosts = [down, try host("large", uses: 10, most: 100), try host("small", uses: 5, most: 10)]
        #expect(try order(hosts) == ["large", "small"])
    }

    @Test("equals come in an order that the seed decides, however they are listed")
    func seeds() throws {
        let hosts = try ["d", "b", "a", "c"].map { try host($0) }
        for seed: UInt64 in [0, 1, 7, .max] {
            let once = try order(hosts, seed: seed)
            #expect(try order(hosts.reversed(), seed: seed) == once)
            #expect(once.sorted() == ["a", "b", "c", "d"])
        }
    }

    @Test("over many seeds every one of the equals comes first about as often")
    func spread() throws {
        let hosts = try ["a", "b", "c", "d"].map { try host($0) }
        var first: [String: Int] = [:]
        for seed in 0..<4000 as Range<UInt64> { first[try order(hosts, seed: seed)[0], default: 0] += 1 }
        for name in ["a", "b", "c", "d"] { #expect((900...1100).contains(first[name] ?? 0), "\(first)") }
    }

    @Test("a host must have all the bits that are asked for")
    func allBits() throws {
        #expect(try order([host("a", provisions: 1), host("b", provisions: 7)], required: 5) == ["b"])
    }

    @Test("a limit of 0 means no limit")
    func noLimit() throws {
        #expect(try order([host("a", uses: 1000, most: 0), host("b", uses: 2, most: 2)]) == ["a"])
        // Those under way may be among the uses.
        #expect(try order([host("a", uses: 1, underWay: 1, most: 2), host("b", uses: 2, most: 2)]) == ["a"])
    }

    @Test("the first sieve that lets no host through is the obstacle")
    func obstacles() throws {
        #expect(throws: Placement.Obstacle.noHosts) { try order([]) }
        #expect(throws: Placement.Obstacle.nothingProvides) { try order([host("a", up: false)], required: 2) }
        #expect(throws: Placement.Obstacle.nothingInZone) { try order([host("a", zone: 1)], zone: 2) }
        #expect(throws: Placement.Obstacle.nothingUp) { try order([host("a", up: false, connected: false)]) }
        #expect(throws: Placement.Obstacle.nothingUp) { try order([host("a", draining: true), host("b", up: false)]) }
        #expect(throws: Placement.Obstacle.nothingConnected) { try order([host("a", connected: false)]) }
        #expect(throws: Placement.Obstacle.everythingFull) { try order([host("a", uses: 1, most: 1)]) }
    }

    @Test("each sieve only weighs what the ones before it let through")
    func sieves() throws {
        let hosts = [
            try host("other", provisions: 2), try host("away", zone: 2), try host("down", zone: 1, up: false),
            try host("drained", zone: 1, draining: true), try host("cut", zone: 1, connected: false),
            try host("full", zone: 1, uses: 3, most: 3), try host("fit", zone: 1),
        ]
        #expect(try order(hosts, required: 1, zone: 1) == ["fit"])
    }
}
