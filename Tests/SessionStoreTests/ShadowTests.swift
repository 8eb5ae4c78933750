import SessionModel
import SessionStore
import Testing

@Suite("uids that are lent")
struct ShadowTests {
    private static let uids: ClosedRange<UInt32> = 2_100_000...2_100_002
    private static let folder = "/home/.shadow"

    private func claim(_ name: String, _ store: Database) async throws -> ShadowAccount? {
        try await store.claimShadow(UserName(name), of: Self.uids, homesIn: Self.folder)
    }

    /// A session of alice's, on a uid of hers.
    private func visit(_ database: TestDatabase) async throws -> (ShadowAccount, SessionNumber) {
        let shadow = try #require(try await claim("alice", database.store))
        let session = try await database.begin()
        #expect(try await database.store.noteShadow(shadow.uid, of: .alice, on: .node1))
        return (shadow, session)
    }

    private func end(_ session: SessionNumber, _ store: Database) async throws {
        #expect(try await store.beginEnd(session, reason: "stopped") != nil)
        try await store.finishEnd(session, accounts: .some, failedStart: false)
        try await store.closeEnd(session, final: nil)
    }

    @Test("a person has one, however many starts ask at once, and nobody else has it")
    func onePerPerson() async throws {
        let database = try await TestDatabase.withHost()
        let other = database.anotherController()
        let claims = try await withThrowingTaskGroup(of: (String, ShadowAccount?).self) { group in
            for index in 0..<30 {
                let name = ["alice", "bob", "carol"][index % 3]
                let store = index % 2 == 0 ? database.store : other
                group.addTask { (name, try await claim(name, store)) }
            }
            return try await group.reduce(into: [String: Set<ShadowAccount?>]()) { $0[$1.0, default: []].insert($1.1) }
        }
        #expect(claims.values.allSatisfy { $0.count == 1 })
        #expect(Set(claims.values.flatMap { $0 }.compactMap { $0?.uid }) == Set(Self.uids))
        #expect(try await claim("dave", database.store) == nil)
        let alice = try #require(try await database.store.shadow(of: .alice))
        #expect(alice.home == "\(Self.folder)/\(alice.uid)")
    }

    @Test("it is taken back when the last session has ended, and not before")
    func lastSession() async throws {
        let database = try await TestDatabase.withHost()
        let store = database.store
        let (shadow, first) = try await visit(database)
        let second = try await database.begin()
        #expect(try await store.retireShadows(unusedFor: 0) == 0)
        try await end(first, store)
        #expect(try await store.retireShadows(unusedFor: 0) == 0)
        #expect(try await store.beginEnd(second, reason: "stopped") != nil)
        #expect(try await store.retireShadows(unusedFor: 0) == 0)
        try await store.finishEnd(second, accounts: .some, failedStart: false)
        try await store.closeEnd(second, final: nil)
        #expect(try await store.retireShadows(unusedFor: 3600) == 0)
        #expect(try await store.retireShadows(unusedFor: 0) == 1)
        #expect(try await store.shadow(of: .alice) == nil)
        #expect(try await store.staleShadows() == [StaleShadow(account: shadow, hosts: [.node1])])
        #expect(try await store.noteShadow(shadow.uid, of: .alice, on: .node1) == false)
    }

    @Test("it is nobody's until every host has cleaned it, whoever dies in between")
    func cleaning() async throws {
        let database = try await TestDatabase.withHost()
        let (shadow, session) = try await visit(database)
        try await end(session, database.store)
        #expect(try await database.store.retireShadows(unusedFor: 0) == 1)
        // Another controller goes on with what one has left.
        let other = database.anotherController()
        #expect(try await other.freeShadow(shadow.uid) == false)
        for name in ["bob", "carol", "alice"] { #expect(try await claim(name, other)?.uid != shadow.uid) }
        try await other.noteClean(shadow.uid, on: .node1)
        #expect(try await database.store.staleShadows() == [StaleShadow(account: shadow, hosts: [])])
        #expect(try await claim("dave", other)?.uid == nil)
        #expect(try await other.freeShadow(shadow.uid))
        #expect(try await other.freeShadow(shadow.uid) == false)
        #expect(try await claim("dave", other)?.uid == shadow.uid)
    }

    @Test("a host that is in use is not noted as clean, and one that is not recorded any more has nothing to do")
    func hosts() async throws {
        let database = try await TestDatabase.withHost()
        let store = database.store
        let (shadow, session) = try await visit(database)
        try await store.noteClean(shadow.uid, on: .node1)
        #expect(try database.cell("SELECT COUNT(*) FROM mw_shadow_host") == "1")
        try await end(session, store)
        #expect(try await store.retireShadows(unusedFor: 0) == 1)
        try database.sql("DELETE FROM mw_host")
        #expect(try await store.staleShadows() == [StaleShadow(account: shadow, hosts: [])])
        #expect(try await store.freeShadow(shadow.uid))
        #expect(try database.cell("SELECT COUNT(*) FROM mw_shadow_host") == "0")
    }

    @Test("of those that are free, the one that was given back longest ago is lent")
    func order() async throws {
        let database = try await TestDatabase.withHost()
        let store = database.store
        for name in ["alice", "bob", "carol"] { _ = try await claim(name, store) }
        let alice = try #require(try await store.shadow(of: .alice))
        #expect(try await store.retireShadows(unusedFor: 0) == 3)
        for stale in try await store.staleShadows() { #expect(try await store.freeShadow(stale.account.uid)) }
        try database.sql("UPDATE mw_shadow SET since = since - INTERVAL 1 HOUR WHERE uid = \(alice.uid)")
        #expect(try await claim("dave", store)?.uid == alice.uid)
    }

    @Test("a session that begins as its uid is taken back either keeps it or learns of it")
    func race() async throws {
        let database = try await TestDatabase.withHost()
        let other = database.anotherController()
        for _ in 0..<15 {
            let shadow = try #require(try await claim("alice", database.store))
            async let retired = other.retireShadows(unusedFor: 0)
            let session = try await database.begin()
            let isOurs = try await database.store.noteShadow(shadow.uid, of: .alice, on: .node1)
            let count = try await retired
            #expect(isOurs == (count == 0))
            #expect(try await database.store.shadow(of: .alice)?.uid == (isOurs ? shadow.uid : nil))
            try await end(session, database.store)
            _ = try await other.retireShadows(unusedFor: 0)
            for stale in try await other.staleShadows() {
                for host in stale.hosts { try await other.noteClean(stale.account.uid, on: host) }
                #expect(try await other.freeShadow(stale.account.uid))
            }
        }
    }
}
