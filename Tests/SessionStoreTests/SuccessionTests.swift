import SessionModel
import SessionStore
import Testing

@Suite("relays that are replaced while they serve")
struct SuccessionTests {
    @Test("the views of a life that handed over go on, whichever of the two is heard first", arguments: [true, false])
    func order(successorFirst: Bool) async throws {
        let database = try await TestDatabase.withHost()
        let session = try await database.running()
        let old = try await database.open(session, relay: "one", age: 60)
        let new = try await database.open(session, relay: "two", age: 60)
        #expect(try await database.hear("one", [old]).isEmpty)
        let words: [() async throws -> [UInt64]] = [
            { try await database.hear("two", [new], predecessors: ["one"]) },
            { try await database.hear("one", [old], isLeaving: true) },
        ]
        for word in successorFirst ? words : words.reversed() { #expect(try await word().isEmpty) }
        for word in words { #expect(try await word().isEmpty) }
        #expect(try database.openViews(of: session) == 2)
        let relays = try await database.store.relays()
        #expect(relays.map(\.name) == ["[::]:563", "one"])
        #expect(relays.map(\.instance) == ["two", "one"])
        #expect(relays.map(\.isLeaving) == [false, true])
    }

    @Test("what a life told before it left may be heard after its successor: nothing of the successor ends")
    func late() async throws {
        let database = try await TestDatabase.withHost()
        let session = try await database.running()
        let old = try await database.open(session, relay: "one", age: 60)
        let new = try await database.open(session, relay: "two", age: 60)
        #expect(try await database.hear("two", [new], predecessors: ["one"]).isEmpty)
        #expect(try await database.hear("one", [old]).isEmpty)
        #expect(try await database.hear("two", [new], predecessors: ["one"]).isEmpty)
        #expect(try database.openViews(of: session) == 2)
    }

    @Test("two lives that came while nobody listened are heard in any order", arguments: 0..<6)
    func twoGenerations(order: Int) async throws {
        let database = try await TestDatabase.withHost()
        let session = try await database.running()
        let views = [
            try await database.open(session, relay: "one", age: 60),
            try await database.open(session, relay: "two", age: 60),
            try await database.open(session, relay: "three", age: 60),
        ]
        #expect(try await database.hear("one", [views[0]]).isEmpty)
        let words: [() async throws -> [UInt64]] = [
            { try await database.hear("one", [views[0]], isLeaving: true) },
            { try await database.hear("two", [views[1]], isLeaving: true, predecessors: ["one"]) },
            { try await database.hear("three", [views[2]], predecessors: ["one", "two"]) },
        ]
        let orders = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]]
        for index in orders[order] + orders[order] { #expect(try await words[index]().isEmpty) }
        #expect(try database.openViews(of: session) == 3)
        #expect(try await database.store.relays().map(\.instance) == ["three", "one", "two"])
    }

    @Test("a life that left and died is known by its figure that stands still, and its views end alone")
    func crash() async throws {
        let database = try await TestDatabase.withHost()
        let session = try await database.running()
        let old = try await database.open(session, relay: "one", age: 60)
        let new = try await database.open(session, relay: "two", age: 60)
        #expect(try await database.hear("one", [old]).isEmpty)
        #expect(try await database.hear("two", [new], predecessors: ["one"]).isEmpty)
        let before = try await database.store.relays()
        #expect(try await database.hear("two", [new], predecessors: ["one"]).isEmpty)
        #expect(try await database.store.relays().last == before.last)
        #expect(try await database.store.closeViews(ofRelay: "one") == [old])
        try await database.store.forgetRelay("one")
        #expect(try await database.hear("two", [new], predecessors: ["one"]).isEmpty)
        #expect(try await database.store.relays().map(\.instance) == ["two"])
    }

    @Test("a life that nobody handed over to ends the views of the one before, and not those of one that left")
    func anew() async throws {
        let database = try await TestDatabase.withHost()
        let session = try await database.running()
        let left = try await database.open(session, relay: "one", age: 60)
        let crashed = try await database.open(session, relay: "two", age: 60)
        #expect(try await database.hear("one", [left]).isEmpty)
        #expect(try await database.hear("two", [crashed], predecessors: ["one"]).isEmpty)
        #expect(try await database.hear("three", []).isEmpty)
        #expect(try database.sql("SELECT cause FROM mw_view WHERE duration IS NOT NULL") == [["its relay began anew"]])
        #expect(try await database.hear("one", [left, crashed], isLeaving: true) == [crashed])
    }
}

extension TestDatabase {
    /// One beat of one life of the relay at `[::]:563`; gives what it shall cut.
    fileprivate func hear(
        _ instance: String, _ views: [UInt64], isLeaving: Bool = false, predecessors: [String] = []
    ) async throws -> [UInt64] {
        try await store.beatViews(
            relay: "[::]:563", instance: instance, isLeaving: isLeaving, predecessors: predecessors, clock: "boot-1",
            at: 150, views.map { ViewProof(view: $0, began: 100, seconds: 20, age: 60) })
    }
}
