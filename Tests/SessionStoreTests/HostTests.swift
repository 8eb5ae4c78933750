import SessionModel
import SessionStore
import Testing

@Suite("hosts and zones")
struct HostTests {
    @Test("an added host is up, in the default zone, and keeps what its agent told when it is added again")
    func added() async throws {
        let database = try await TestDatabase.withHost(maximumUses: 4)
        try await database.store.noteHost(.node1, bootID: "b1", isolation: "container", agentVersion: "0.1.0")
        try await database.store.addHost(.node1(maximumUses: 5))
        let host = try #require(try await database.store.hosts().first)
        #expect(host.status == "up")
        #expect(host.provisions == 3)
        #expect(host.maximumUses == 5)
        #expect(host.zone == "local")
        #expect(host.isZoneUp)
        #expect(host.access?.address == "10.0.0.1")
        #expect(host.access?.port == 2222)
        #expect(host.access?.bootID == "b1")
        #expect(host.access?.isolation == "container")
        #expect(try await database.store.host(.node1) == host)
        #expect(try await database.store.host(HostName(known: "node2")) == nil)
    }

    @Test("a host goes down and up, is drained, and follows its zone")
    func status() async throws {
        let database = try await TestDatabase.withHost()
        try await database.store.setHostStatus(.node1, to: .down)
        #expect(try await database.store.hosts().first?.status == "down")
        try await database.store.setHostStatus(.node1, to: .up)
        #expect(try await database.store.hosts().first?.status == "up")
        try await database.store.setHostStatus(.node1, to: .drain)
        #expect(try await database.store.hosts().first?.status == "drain")
        try database.sql("UPDATE zones SET state = 'down'")
        #expect(try await database.store.hosts().first?.isZoneUp == false)
    }

    @Test("zones are found by name, and one is the default")
    func zones() async throws {
        let database = try await TestDatabase.withHost()
        let local = try #require(try await database.store.zone(named: ZoneName("local")))
        #expect(local.isUp && local.isDefault)
        #expect(try await database.store.zone(named: ZoneName("elsewhere")) == nil)
    }

    @Test("the kinds of host every portal knows have their bits")
    func types() async throws {
        let database = try await TestDatabase.withHost()
        #expect(
            try await database.store.hostTypes() == [
                "sessions": 1, "workspace": 2, "pubnet": 4, "fileserver": 8, "openvz": 16,
            ])
    }
}
