import SessionModel
import Testing

@Suite("Placement") struct PlacementTests {
    private func host(
        _ name: String, provisions: UInt64 = 1, zone: Int = 0, up: Bool = true, connected: Bool = true, uses: Int = 0,
        most: Int = 0
    ) throws -> Placement.Candidate {
        Placement.Candidate(
            host: try HostName(name), provisions: provisions, zone: zone, isUp: up, isConnected: connected, uses: uses,
            maximumUses: most)
    }

    private func order(_ hosts: [Placement.Candidate], required: UInt64 = 0, zone: Int? = nil) throws -> [String] {
        try Placement.order(hosts, required: required, zone: zone, seed: 1).map(\.text)
    }

    @Test("the least used host comes first, equals by name")
    func leastUsedFirst() throws {
        #expect(try order([host("c", uses: 1), host("b"), host("a", uses: 2), host("d")]) == ["b", "d", "c", "a"])
    }

    @Test("a host must have all the bits that are asked for")
    func allBits() throws {
        #expect(try order([host("a", provisions: 1), host("b", provisions: 7)], required: 5) == ["b"])
    }

    @Test("a limit of 0 means no limit")
    func noLimit() throws {
        #expect(try order([host("a", uses: 1000, most: 0), host("b", uses: 2, most: 2)]) == ["a"])
    }

    @Test("the first sieve that lets no host through is the obstacle")
    func obstacles() throws {
        #expect(throws: Placement.Obstacle.noHosts) { try order([]) }
        #expect(throws: Placement.Obstacle.nothingProvides) { try order([host("a", up: false)], required: 2) }
        #expect(throws: Placement.Obstacle.nothingInZone) { try order([host("a", zone: 1)], zone: 2) }
        #expect(throws: Placement.Obstacle.nothingUp) { try order([host("a", up: false, connected: false)]) }
        #expect(throws: Placement.Obstacle.nothingConnected) { try order([host("a", connected: false)]) }
        #expect(throws: Placement.Obstacle.everythingFull) { try order([host("a", uses: 1, most: 1)]) }
    }
}
