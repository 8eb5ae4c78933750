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

    /// Claims a display of `node1`.
    func claim() async throws -> ClaimedDisplay? {
        try await store.claimDisplayNumber(
            on: .node1, key: linkKey, password: viewerPassword, geometry: .usual, depth: 24, uidBase: 2_000_000,
            uidCount: 1000)
    }

    /// Claims a display and begins alice's session on it.
    func begin(_ owner: UserName = .alice) async throws -> SessionNumber {
        let display = try #require(try await claim())
        return try await store.beginSession(.xterm(of: owner, on: display.number))
    }

    /// Begins alice's session and lets it run.
    func running(_ owner: UserName = .alice) async throws -> SessionNumber {
        let session = try await begin(owner)
        try await store.markRunning(session)
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

let viewerPassword = Secret("testtest")
let linkKey = Secret("00112233445566778899aabbccddeeff")
let aliceSessionToken = Secret("ffeeddccbbaa99887766554433221100")

extension UserName {
    static let alice = UserName(known: "alice")
    static let bob = UserName(known: "bob")
}

extension HostName {
    static let node1 = HostName(known: "node1")
}

extension HostAddition {
    static func node1(maximumUses: Int = 0) -> HostAddition {
        HostAddition(
            name: .node1, address: "10.0.0.1", port: 2222, sshHostKey: "ssh-ed25519 AAAA", provisions: 3,
            maximumUses: maximumUses)
    }
}

extension NewSession {
    static func xterm(of owner: UserName, on display: DisplayNumber) -> NewSession {
        NewSession(
            owner: owner, address: "2001:db8::1", host: .node1, display: display,
            application: ApplicationName(known: "xterm_r1"), title: "Terminal", timeout: 3600, geometry: .usual,
            password: viewerPassword, sessionToken: aliceSessionToken, parameters: "file(x):/home/alice/ü", zoneID: 1)
    }
}

extension SessionAccounts {
    static let some = SessionAccounts(wall: 12.5, cpu: 3.25, status: 0)
}
