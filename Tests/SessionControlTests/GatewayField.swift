import ControlSocket
import Foundation
import Glibc
import LDAPDirectory
import Logging
import SessionModel
import SessionStore
import SettingsFile
import TestServers
import Testing

@testable import SessionControl

/// Where whole gateways are made: over a real database, with a folder of their own and a directory that nobody answers for.
final class GatewayField {
    let database: Database
    private let files: PrivateFolder

    /// The gateways' state and run folder, with `apps` for applications in it.
    var folder: String { files.path }

    init() async throws {
        let server = try MariaDBServer.shared.get()
        database = Database(
            DatabaseAddress(
                socket: server.socket, name: try server.makeDatabase(), user: server.user, connections: 2))
        _ = try await database.migrate()
        files = try PrivateFolder(prefix: "mwgs")
        for name in ["apps", "links"] { mkdir(files.file(name), 0o700) }
    }

    deinit { files.remove() }

    /// Who may ask for anything, a user of load tests, and the application of ``withXterm()``.
    static let root = Caller(uid: 0, gid: 0, pid: 1)
    static let tester = UserName(known: "stress-0001")
    static let xterm = ApplicationName(known: "xterm")

    /// A field with one application.
    static func withXterm() async throws -> GatewayField {
        let field = try await GatewayField()
        try field.add("xterm", "command: xterm -ls\ngroups: [staff]")
        return field
    }

    /// Adds the application `name`, whose file says `text`.
    func add(_ name: String, _ text: String) throws {
        try "name: \(name)\n\(text)\n".write(toFile: files.file("apps/\(name).yaml"), atomically: true, encoding: .utf8)
    }

    /// A gateway with `more` settings; nothing is connected.
    func gateway(_ more: String = "") throws -> Gateway {
        let settings = try Settings.parse(
            """
            controller: {state: \(folder), run: \(folder)}
            applications: {folder: \(folder)/apps}
            \(more)
            """)
        let directory = Directory(
            DirectorySettings(
                uris: ["ldapi://%2Fnonexistent"], caFile: "/nonexistent", peopleBase: "ou=p", groupBase: "ou=g",
                timeout: .seconds(1)))
        var log = Logger(label: "test")
        log.logLevel = .critical
        return Gateway(settings: settings, database: database, directory: directory, log: log)
    }

    /// Runs `body` with a gateway that has `more` settings and a host, which is connected, and records `others` besides;
    /// `stray`: a display that the host has and nobody knows.
    func withHost(
        _ more: String = "", stray: Int? = nil, others: [HostAddition] = [],
        _ body: (Gateway, ScriptedHost) async throws -> Void
    ) async throws {
        let host = try ScriptedHost(stray: stray)
        defer { host.tearDown() }
        try await withConnected([host], others, more) { try await body($0, host) }
    }

    /// Runs `body` with a gateway and two hosts that are connected, the second of which is called `name` and takes no sessions.
    func withHosts(
        besides name: HostName, _ body: (Gateway, ScriptedHost, ScriptedHost) async throws -> Void
    ) async throws {
        let host = try ScriptedHost()
        defer { host.tearDown() }
        let second = try ScriptedHost(name, beside: host)
        defer { second.tearDown() }
        try await withConnected([host, second], [], "") { gateway in
            try await database.setHostStatus(name, to: .down)
            try await body(gateway, host, second)
        }
    }

    /// Runs `body` when every one of `hosts`, whose controller's key is the first one's, is connected.
    private func withConnected(
        _ hosts: [ScriptedHost], _ others: [HostAddition], _ more: String, _ body: (Gateway) async throws -> Void
    ) async throws {
        for record in hosts.map(\.record) + others { try await database.addHost(record) }
        let gateway = try gateway(
            """
            hosts: {ssh_key: \(hosts[0].key)}
            homes: {root: \(folder)}
            \(more)
            """)
        await gateway.fleet.become(try await database.hosts().compactMap(\.endpoint))
        do {
            let limit = ContinuousClock.now + .seconds(60)
            while await gateway.fleet.states().count < hosts.count {
                guard ContinuousClock.now < limit else { throw TestServerError("a host was not connected") }
                try await Task.sleep(for: .milliseconds(20))
            }
            try await body(gateway)
        } catch {
            Issue.record(error)
        }
        await gateway.fleet.letGo()
    }

    /// Makes a display of the host that waits for a session.
    func makeReady() async throws {
        let fresh = FreshDisplay(
            host: ScriptedHost.name, key: .token(), password: .viewerPassword(), geometry: .usual, depth: 24,
            withGL: false, uidBase: 2_000_000, uidCount: 65536)
        let claim = try #require(try await database.claimForPool(fresh, template: ""))
        let id = DisplayID(host: claim.host, number: claim.number)
        #expect(try await database.markDisplayReady(id, bootID: "b", template: ""))
    }
}
