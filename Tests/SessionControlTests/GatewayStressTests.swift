import ControlProtocol
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

/// A whole gateway over a real database, with no host and a directory that nobody answers for: what is decided before either
/// is asked.
@Suite("Load tests at the gateway") struct GatewayStressTests {
    private let database: Database
    private let folder: String
    private static let root = Caller(uid: 0, gid: 0, pid: 1)
    private static let tester = UserName(known: "stress-0001")
    private static let xterm = ApplicationName(known: "xterm")

    init() async throws {
        let server = try MariaDBServer.shared.get()
        database = Database(
            DatabaseAddress(
                socket: server.socket, name: try server.makeDatabase(), user: server.user, connections: 2))
        _ = try await database.migrate()
        folder = "/tmp/mwgs-" + UUID().uuidString.prefix(8)
        try FileManager.default.createDirectory(atPath: folder + "/apps", withIntermediateDirectories: true)
        try "name: xterm\ncommand: xterm\ngroups: [staff]\n".write(
            toFile: folder + "/apps/xterm.yaml", atomically: true, encoding: .utf8)
    }

    private func gateway(_ more: String = "") throws -> Gateway {
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

    private func start(_ mark: StressMark?, for user: UserName = tester) -> ControlRequest {
        .start(StartOrder(user: user, address: "", application: Self.xterm, stress: mark))
    }

    private func refusal(
        _ request: ControlRequest, _ gateway: Gateway, from caller: Caller = root
    ) async throws -> Refusal {
        let reply = await gateway.answer(request, from: caller)
        guard case .refused(let refusal) = reply else {
            throw StoreError.internal(cause: "\(reply) is no refusal")
        }
        return refusal
    }

    private func clean(_ gateway: Gateway) async -> ControlReply {
        await gateway.answer(.stress(.clean), from: Self.root)
    }

    @Test("a tester's name is refused wherever people come, and the directory is not asked")
    func names() async throws {
        let gateway = try gateway("homes: {root: \(folder), purge: true}")
        let nobody = "stress-0001 is nobody's name: only 'maxwell stress' starts sessions for it."
        for request in [
            start(nil), .createUserHome(user: Self.tester), .login(user: Self.tester, password: Secret("x")),
            .quota(user: Self.tester), .purge(user: Self.tester, days: nil),
        ] {
            let refusal = try await refusal(request, gateway)
            #expect(refusal.userMessage == nobody)
            #expect(refusal.exitStatus == .noPermission)
        }
        let person = try await refusal(start(.synthetic, for: UserName(known: "alice")), gateway)
        #expect(
            person.userMessage
                == "alice is not one of stress-0001 to stress-9999; please leave 'stress=' out for people.")
        #expect(await clean(gateway) == .stressCleaned(sessions: 0, rows: 0))
    }

    @Test("real sessions need a place for their homes, and the sentence names it; synthetic ones need none")
    func homes() async throws {
        let gateway = try gateway()
        let refusal = try await refusal(start(.real), gateway)
        #expect(refusal.userMessage.contains("homes.root"))
        #expect(try await database.stressUIDs().isEmpty)
        // No host is there, which is found out later.
        #expect(
            try await self.refusal(start(.synthetic), gateway).userMessage
                == "No execution host is set up yet; an administrator has to add one.")
        #expect(try await database.stressUIDs().isEmpty)
    }

    @Test("a real session is lent a uid below homes.root, a synthetic one has none of anyone's")
    func lodging() async throws {
        let gateway = try gateway("homes: {root: \(folder)}")
        let real = try await gateway.lodging(of: Self.tester, .real)
        #expect(real.isLent && real.homeIsOurs && real.hasHome)
        #expect(real.account.home == "\(folder)/.shadow/\(real.account.uid)")
        #expect(gateway.settings.uids.shadow.uids.contains(real.account.uid))
        #expect(real.account.groups.map(\.gid) == [real.account.uid])
        let synthetic = try await gateway.lodging(of: try .stress(2), .synthetic)
        #expect(!synthetic.isLent && !synthetic.homeIsOurs && !synthetic.hasHome)
        // A display's uid is above this one.
        #expect(synthetic.account.uid == gateway.settings.uids.displays.first)
        #expect(synthetic.account.groups.isEmpty)
        #expect(try await database.stressUIDs().map(\.owner) == ["stress-0001"])
    }

    @Test("a start that failed is told among what is left, and cleaning removes it, once")
    func leftovers() async throws {
        let gateway = try gateway("homes: {root: \(folder)}")
        #expect(await gateway.answer(.stress(.leftovers), from: Self.root) == .stressLeftovers([]))
        _ = try await refusal(start(.real), gateway)
        _ = try await refusal(start(.synthetic), gateway)
        guard case .stressLeftovers(let lines) = await gateway.answer(.stress(.leftovers), from: Self.root) else {
            Issue.record("no leftovers are told")
            return
        }
        #expect(lines == ["table mw_session has 2 rows of them", "uid 2100000 is lent to stress-0001"])
        guard case .counters(let counters) = await gateway.answer(.counters, from: Self.root) else {
            Issue.record("no counters are told")
            return
        }
        #expect(counters["stress.failed"] == 2)
        #expect(counters["stress.running"] == 0)
        #expect(try #require(counters["statements"]) > 0)
        // Cleaning waits for the uid, which the house's keeper gives back where one runs.
        let keeper = Task { await gateway.keepShadows() }
        #expect(await clean(gateway) == .stressCleaned(sessions: 2, rows: 2))
        keeper.cancel()
        await keeper.value
        #expect(await gateway.answer(.stress(.leftovers), from: Self.root) == .stressLeftovers([]))
        #expect(await gateway.answer(.stress(.ledger(after: nil, count: 10)), from: Self.root) == .stressLedger([]))
    }

    @Test("who is in the group may, as it stands now; whoever is not, and a portal, may not")
    func group() async throws {
        let account = try #require(getpwnam("daemon")).pointee
        let daemon = Caller(uid: account.pw_uid, gid: account.pw_gid, pid: 1)
        let own = try #require(getgrgid(account.pw_gid).map { String(cString: $0.pointee.gr_name) })
        let none = "No execution host is set up yet; an administrator has to add one."
        let forbidden = SessionError.notAllowed.userMessage
        let told = [
            (settings: "controller: {state: \(folder), stress_group: \(own)}", message: none),
            (settings: "controller: {state: \(folder), stress_group: nosuchgroup}", message: forbidden),
            (settings: "controller: {state: \(folder)}", message: forbidden),
            (
                settings: "controller: {state: \(folder), stress_group: \(own), portal_users: [daemon]}",
                message: forbidden
            ),
        ]
        for (settings, message) in told {
            let gateway = Gateway(
                settings: try .parse("\(settings)\napplications: {folder: \(folder)/apps}"), database: database,
                directory: Directory(
                    DirectorySettings(uris: [], caFile: "", peopleBase: "", groupBase: "", timeout: .seconds(1))),
                log: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
            #expect(try await refusal(start(.synthetic), gateway, from: daemon).userMessage == message, "\(settings)")
        }
    }
}
