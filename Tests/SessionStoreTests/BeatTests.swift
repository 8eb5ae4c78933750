import SessionModel
import Testing

@testable import SessionStore

@Suite("relays' signs of life")
struct BeatTests {
    @Test("a beat is refused once the view, the permission or the session is gone, or the permission another")
    func refused() async throws {
        let database = try await TestDatabase.withHost()
        let session = try await database.running()
        try database.share(session, with: "bob", token: "0123456789abcdef0123456789abcdef", readOnly: false)
        let alice = try await database.open(session)
        let bob = try await database.open(session, of: .bob, kind: .portal)
        let watching = try await database.open(session, of: .bob, mode: .watch)
        let all = [alice, bob, watching, 9999]
        #expect(try await database.beat(all) == [9999])
        try database.sql("UPDATE viewperm SET readonly = 'Yes' WHERE viewuser = 'bob'")
        #expect(try await database.beat(all) == [bob, 9999])
        try database.sql("DELETE FROM viewperm WHERE viewuser = 'bob'")
        #expect(try await database.beat(all) == [bob, watching, 9999])
        try await database.store.closeView(.end(alice, seconds: 1))
        #expect(try await database.beat(all) == all)
        let last = try await database.open(session)
        #expect(try await database.beat([last]).isEmpty)
        _ = try await database.store.beginEnd(session, reason: "stopped")
        #expect(try await database.beat([last]) == [last])
    }

    @Test("a beat opens what is not open yet, and its proofs only grow", arguments: engines)
    func proofs(engine: String) async throws {
        let database = try await TestDatabase.withHost()
        try database.use(engine: engine)
        let session = try await database.running()
        let view = try await database.reserve(session)
        for (seconds, age) in [(20.5, 30.0), (12, 31), (.nan, 32), (22, 33), (1000, 34)] {
            #expect(try await database.beat([view], seconds: seconds, age: age).isEmpty)
        }
        #expect(try database.cell("SELECT seconds FROM mw_view") == "34")
        #expect(try database.cell("SELECT COUNT(*) FROM view") == "1")
        #expect(
            try database.cell("SELECT TIMESTAMPDIFF(SECOND, start, NOW()) BETWEEN 29 AND 1030 FROM view") == "1")
        try database.sql("UPDATE view SET heartbeat = '2020-01-01'")
        #expect(try await database.beat([view], seconds: 40, age: 100).isEmpty)
        #expect(
            try database.cell("SELECT TIMESTAMPDIFF(SECOND, heartbeat, NOW()) BETWEEN 59 AND 1060 FROM view") == "1")
        #expect(try await database.store.closeViews(ofRelay: "relay-1") == [view])
        #expect(try database.cell("SELECT duration FROM viewlog") == "40")
    }

    @Test("a whole list ends what is not in it and began before, at what is proven")
    func unlisted() async throws {
        let database = try await TestDatabase.withHost()
        let session = try await database.running()
        let listed = try await database.open(session, age: 60)
        let lost = try await database.open(session, age: 60)
        let new = try await database.open(session, began: 150, age: 10)
        let ofOther = try await database.open(session, relay: "relay-2", age: 60)
        let reserved = try await database.reserve(session)
        #expect(try await database.beat([listed, lost], seconds: 33, age: 40).isEmpty)
        // A part of a list tells nothing of what is not in it.
        #expect(try await database.beat([listed], seconds: 43, age: 50).isEmpty)
        #expect(try database.openViews(of: session) == 4)
        #expect(
            try await database.store.unendedViews(of: session).sorted() == [listed, lost, new, ofOther, reserved])
        #expect(try await database.beat([listed], seconds: 43, age: 50, at: 150).isEmpty)
        #expect(try database.sql("SELECT duration FROM viewlog") == [["33"]])
        #expect(
            try database.sql("SELECT viewid FROM mw_view WHERE duration IS NULL ORDER BY viewid")
                == [listed, new, ofOther, reserved].map { ["\($0)"] })
        #expect(try await database.beat([], at: 150.5).isEmpty)
        #expect(
            try database.sql("SELECT viewid FROM mw_view WHERE duration IS NULL ORDER BY viewid")
                == [ofOther, reserved].map { ["\($0)"] })
    }

    @Test("a relay that began anew has ended the views of its life before; relays are told, and lives nobody hears")
    func anew() async throws {
        let database = try await TestDatabase.withHost()
        let session = try await database.running()
        let old = try await database.open(session, relay: "life-1", age: 60)
        let other = try await database.open(session, relay: "stranger", age: 60)
        for _ in 0..<3 { #expect(try await database.beat([old], seconds: 20, age: 60, of: "life-1").isEmpty) }
        _ = try await database.store.beatViews(
            relay: "elsewhere", instance: "life-9", clock: "boot-1", at: 1, [])
        #expect(try database.openViews(of: session) == 2)
        #expect(try await database.beat([], of: "life-2", at: 0).isEmpty)
        #expect(try database.sql("SELECT duration FROM viewlog") == [["20"]])
        #expect(
            try await database.store.relays() == [
                RelayRecord(name: "", instance: "stranger", beats: 0),
                RelayRecord(name: "[::]:563", instance: "life-2", beats: 4),
                RelayRecord(name: "elsewhere", instance: "life-9", beats: 1),
            ])
        #expect(try await database.beat([old, other], of: "life-2") == [old])
    }

    @Test("a thousand views are a few statements, and a few rows each")
    func manyViews() async throws {
        let database = try await TestDatabase.withHost(connections: 1)
        let session = try await database.running()
        try database.sql(
            """
            INSERT INTO mw_view (sessnum, username, mode, kind, relay, remoteip, reserved, opened, heartbeat, clock, began,
              portal_view)
            SELECT \(session), 'alice', 'act', 'view', 'relay-1', '10.2.3.4', UTC_TIMESTAMP(3), UTC_TIMESTAMP(3),
              UTC_TIMESTAMP(3), 'boot-1', 100, seq FROM seq_1_to_1050;
            INSERT INTO view (viewid, sessnum, username) SELECT seq, \(session), 'alice' FROM seq_1_to_1050;
            INSERT INTO mw_view (sessnum, username, mode, kind, relay, reserved, opened, duration, logged)
            SELECT 1000 + seq % 5000, 'bob', 'act', 'view', 'relay-0', UTC_TIMESTAMP(3), UTC_TIMESTAMP(3), 5, 1
            FROM seq_1_to_20000;
            """)
        let views = try database.sql("SELECT viewid FROM mw_view WHERE relay = 'relay-1'").compactMap { UInt64($0[0]) }
        let listed = Array(views.prefix(1000)) + [999_999]
        let before = try #require(database.store.counters()["statements"])
        #expect(try await database.beat(listed, seconds: 5, age: 9) == [999_999])
        #expect(try #require(database.store.counters()["statements"]) - before <= 40)
        #expect(
            try database.sql("SELECT seconds, COUNT(*) FROM mw_view WHERE relay = 'relay-1' GROUP BY seconds")
                == [["0", "50"], ["5", "1000"]])
        #expect(try database.cell("SELECT COUNT(*) FROM view WHERE heartbeat > NOW() - INTERVAL 1000 SECOND") == "1000")
        #expect(try await database.store.relays().map(\.beats) == [1])
    }
}
