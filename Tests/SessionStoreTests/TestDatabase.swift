import SessionModel
import SessionStore
import TestServers
import Testing

/// A test's own database, seen from both sides: by the store, and by raw SQL as a portal sees it.
struct TestDatabase: Sendable {
    let server: MariaDBServer
    let name: String
    let store: Database

    /// An empty database; nothing is migrated.
    init(
        connections: Int = 4, characterSet: String = "utf8mb4", collation: String = "utf8mb4_general_ci"
    ) throws {
        server = try MariaDBServer.shared.get()
        name = try server.makeDatabase(characterSet: characterSet, collation: collation)
        store = Database(
            DatabaseAddress(socket: server.socket, name: name, user: server.user, connections: connections))
    }

    /// A migrated database with one host, `node1`.
    static func withHost(maximumUses: Int = 0, connections: Int = 4) async throws -> TestDatabase {
        let database = try TestDatabase(connections: connections)
        _ = try await database.store.migrate()
        try await database.store.addHost(.node1(maximumUses: maximumUses))
        return database
    }

    /// Runs SQL beside the store and gives the rows.
    @discardableResult
    func sql(_ text: String) throws -> [[String]] { try server.sql(text, in: name) }

    /// The one cell of an answer.
    func cell(_ text: String) throws -> String? { try sql(text).first?.first }

    /// How many views of a session are open: begun, and not ended.
    func openViews(of session: SessionNumber) throws -> Int {
        try sql("SELECT 1 FROM mw_view WHERE sessnum = \(session) AND opened IS NOT NULL AND duration IS NULL").count
    }

    /// The same database as a second controller sees it, with connections of its own.
    func anotherController(connections: Int = 4) -> Database {
        Database(DatabaseAddress(socket: server.socket, name: name, user: server.user, connections: connections))
    }

    /// Gives the portal's tables another engine, as on an old hub.
    func use(engine: String) throws {
        for table in portalColumns.keys { try sql("ALTER TABLE `\(table)` ENGINE=\(engine)") }
    }

    /// Claims a display of `node1` for the pool.
    func claim() async throws -> ClaimedDisplay? {
        try await store.claimForPool(.fresh(), template: "t1")
    }

    /// Makes a display of a host ready.
    func makeReady(on host: HostName = .node1, withGL: Bool = false) async throws -> DisplayID {
        let claimed = try #require(try await store.claimForPool(.fresh(on: host, withGL: withGL), template: "t1"))
        let id = DisplayID(host: host, number: claimed.number)
        #expect(try await store.markDisplayReady(id, bootID: "boot-1", template: "t1"))
        return id
    }

    /// Fills a host's pool with ready displays, numbers 1 and on, by one statement.
    func fillPool(of host: HostName = .node1, _ count: Int, withGL: Bool = false) throws -> [DisplayID] {
        try sql(
            """
            INSERT INTO mw_display (hostname, dispnum, state, link_key, uid, password, geometry, depth, boot_id, created,
              with_gl, counted, template, since)
            SELECT '\(host)', seq, 'ready', MD5(seq), 2000000 + seq, 'testtest', '1024x768', 24, 'boot-1',
              UTC_TIMESTAMP(3), \(withGL ? 1 : 0), 0, 't1', UTC_TIMESTAMP(3) FROM seq_1_to_\(count);
            REPLACE INTO display (hostname, dispnum, geometry, depth, sessnum, vncpass, status)
            SELECT '\(host)', seq, '1024x768', 24, 0, 'beafef4c081572d8', 'ready' FROM seq_1_to_\(count);
            """)
        return try (1...count).map { DisplayID(host: host, number: try DisplayNumber($0)) }
    }

    /// Begins alice's session on a new display.
    func begin(_ owner: UserName = .alice) async throws -> SessionNumber {
        try #require(try await begun(owner, .fresh(.fresh()))?.number)
    }

    /// Begins a session; nil when there was no display left.
    func begun(
        _ owner: UserName, _ claim: DisplayClaim, limits: SessionLimits = SessionLimits()
    ) async throws -> (number: SessionNumber, display: SessionDisplay)? {
        switch try await store.beginSession(.xterm(of: owner), claiming: claim, limits: limits) {
        case .began(let number, let display): (number, display)
        case .noneLeft, .userLimit, .applicationLimit: nil
        }
    }

    /// Begins alice's session and lets it run.
    func running(_ owner: UserName = .alice) async throws -> SessionNumber {
        let session = try await begin(owner)
        try await store.markRunning(session, steps: "[]")
        return session
    }

    /// Shares a session as the portal does: the owner's row copied, with a token of the portal's own.
    func share(_ session: SessionNumber, with user: String, token: String, readOnly: Bool) throws {
        try sql(
            """
            INSERT INTO viewperm (sessnum, viewuser, viewtoken, geometry, fwhost, fwport, vncpass, readonly)
            SELECT sessnum, '\(user)', '\(token)', geometry, fwhost, fwport, vncpass, '\(readOnly ? "Yes" : "No")'
            FROM viewperm WHERE sessnum = \(session) AND viewuser = 'alice'
            """)
    }
}

/// What relays of tests tell: their clock is `boot-1`.
extension TestDatabase {
    /// Reserves a view.
    func reserve(
        _ session: SessionNumber, of user: UserName = .alice, mode: ViewMode = .act, kind: TokenKind = .view,
        relay: String = "relay-1"
    ) async throws -> UInt64 {
        try #require(
            try await store.reserveView(
                session: session, user: user, mode: mode, kind: kind, address: "10.2.3.4", relay: relay))
    }

    /// Reserves a view and opens it.
    func open(
        _ session: SessionNumber, of user: UserName = .alice, mode: ViewMode = .act, kind: TokenKind = .view,
        relay: String = "relay-1", began: Double = 100, age: Double = 0
    ) async throws -> UInt64 {
        let view = try await reserve(session, of: user, mode: mode, kind: kind, relay: relay)
        #expect(try await store.openView(view, began: began, clock: "boot-1", age: age))
        return view
    }

    /// One beat of a relay whose views all began at 100.
    func beat(
        _ views: [UInt64], seconds: Double = 0, age: Double = 0, of instance: String = "relay-1", at: Double? = nil
    ) async throws -> [UInt64] {
        try await store.beatViews(
            relay: "[::]:563", instance: instance, clock: "boot-1", at: at,
            views.map { ViewProof(view: $0, began: 100, seconds: seconds, age: age) })
    }

    /// Ends a session as a controller does.
    func end(_ session: SessionNumber, _ accounts: SessionAccounts = .some) async throws {
        _ = try await store.beginEnd(session, reason: "stopped")
        try await store.finishEnd(session, accounts: accounts, failedStart: false)
        try await store.closeEnd(session, final: nil)
    }
}

extension ViewClosing {
    /// The end of a view that began at 100 on `boot-1`.
    static func end(
        _ view: UInt64, began: Double? = 100, age: Double? = 1000, seconds: Double, toViewer: UInt64 = 7,
        fromViewer: UInt64 = 3
    ) -> ViewClosing {
        ViewClosing(
            view: view, began: began, clock: "boot-1", age: age, seconds: seconds, toViewer: toViewer,
            fromViewer: fromViewer, cause: "viewer left")
    }
}

let viewerPassword = Secret("testtest")
let linkKey = Secret("00112233445566778899aabbccddeeff")
let aliceSessionToken = Secret("ffeeddccbbaa99887766554433221100")

extension UserName {
    static let alice = UserName(known: "alice")
    static let bob = UserName(known: "bob")
}

extension HostName {
    static let node1 = HostName(known: "node1")
    static let node2 = HostName(known: "node2")
}

extension HostAddition {
    static func node1(maximumUses: Int = 0) -> HostAddition { node(.node1, maximumUses: maximumUses) }

    static func node(_ name: HostName, maximumUses: Int = 0) -> HostAddition {
        HostAddition(
            name: name, address: "10.0.0.1", port: 2222, sshHostKey: "ssh-ed25519 AAAA", provisions: 3,
            maximumUses: maximumUses)
    }
}

extension NewSession {
    static func xterm(of owner: UserName, withGL: Bool = false) -> NewSession {
        NewSession(
            owner: owner, address: "2001:db8::1", application: ApplicationName(known: "xterm_r1"), title: "Terminal",
            timeout: 3600, geometry: .usual, sessionToken: aliceSessionToken, parameters: "file(x):/home/alice/ü",
            withGL: withGL)
    }
}

extension SessionAccounts {
    static let some = SessionAccounts(wall: 12.5, cpu: 3.25, status: 0)
}

extension FreshDisplay {
    static func fresh(on host: HostName = .node1, withGL: Bool = false, uidCount: UInt32 = 65536) -> FreshDisplay {
        FreshDisplay(
            host: host, key: linkKey, password: viewerPassword, geometry: .usual, depth: 24, withGL: withGL,
            uidBase: 2_000_000, uidCount: uidCount)
    }
}
