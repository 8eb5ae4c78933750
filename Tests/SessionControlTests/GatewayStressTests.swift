import ControlProtocol
import ControlSocket
import Foundation
import Glibc
import LDAPDirectory
import Logging
import SessionModel
import SessionStore
import SettingsFile
import Testing

@testable import SessionControl

/// A whole gateway with no host, or one whose displays are a list.
@Suite("Load tests at the gateway") final class GatewayStressTests {
    private let field: GatewayField
    private var database: Database { field.database }
    private var folder: String { field.folder }

    init() async throws { field = try await GatewayField.withXterm() }

    private func gateway(_ more: String = "") throws -> Gateway { try field.gateway(more) }

    private func start(_ mark: StressMark?, for user: UserName = GatewayField.tester) -> ControlRequest {
        .start(StartOrder(user: user, address: "", application: GatewayField.xterm, stress: mark))
    }

    private func refusal(
        _ request: ControlRequest, _ gateway: Gateway, from caller: Caller = GatewayField.root
    ) async throws -> Refusal {
        let reply = await gateway.answer(request, from: caller)
        guard case .refused(let refusal) = reply else {
            throw StoreError.internal(cause: "\(reply) is no refusal")
        }
        return refusal
    }

    private func clean(_ gateway: Gateway) async -> ControlReply {
        await gateway.answer(.stress(.clean), from: GatewayField.root)
    }

    @Test("a tester's name is refused wherever people come, and the directory is not asked")
    func names() async throws {
        let gateway = try gateway("homes: {root: \(folder), purge: true}")
        let nobody = "stress-0001 is nobody's name: only 'maxwell stress' starts sessions for it."
        for request in [
            start(nil), .createUserHome(user: GatewayField.tester),
            .login(user: GatewayField.tester, password: Secret("x")),
            .quota(user: GatewayField.tester), .purge(user: GatewayField.tester, days: nil),
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
        let real = try await gateway.lodging(of: GatewayField.tester, .real)
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
        #expect(await gateway.answer(.stress(.leftovers), from: GatewayField.root) == .stressLeftovers([]))
        _ = try await refusal(start(.real), gateway)
        _ = try await refusal(start(.synthetic), gateway)
        guard case .stressLeftovers(let left) = await gateway.answer(.stress(.leftovers), from: GatewayField.root)
        else {
            Issue.record("no leftovers are told")
            return
        }
        #expect(
            left == [
                StressLeftover("table mw_session has 2 of their rows", isOfARun: true),
                StressLeftover("uid 2100000 is lent to stress-0001"),
            ])
        guard case .counters(let counters) = await gateway.answer(.counters, from: GatewayField.root) else {
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
        #expect(await gateway.answer(.stress(.leftovers), from: GatewayField.root) == .stressLeftovers([]))
        #expect(
            await gateway.answer(.stress(.ledger(after: nil, count: 10)), from: GatewayField.root) == .stressLedger([]))
    }

    /// Runs `body` with a gateway that has a host, where people may have one session.
    private func withHost(
        stray: Int? = nil, _ body: (Gateway, ScriptedHost) async throws -> Void
    ) async throws {
        try await field.withHost("sessions: {most_per_user: 1, most_per_application: 1}", stray: stray, body)
    }

    @Test("a synthetic start takes a new display, which the host plays, though one stands ready")
    func synthetic() async throws {
        try await withHost { gateway, host in
            try await field.makeReady()
            #expect(try await database.noteHostFailure(ScriptedHost.name) == 1)
            guard case .started(let number) = await gateway.answer(start(.synthetic), from: GatewayField.root) else {
                Issue.record("not started")
                return
            }
            #expect(try await database.session(number)?.place?.number.value == 2)
            let calls = try host.calls()
            #expect(calls.map(\.word) == ["makeDisplay", "startApplication"])
            #expect(calls[0].more["synthetic"] as? Bool == true)
            #expect(calls[1].more["command"] as? String == "xterm -ls")
            let account = try #require(calls[1].more["account"] as? [String: Any])
            #expect(account["uid"] as? Int == 2_000_000)
            #expect(try await database.stressUIDs().isEmpty)
            // What a host does for people is shown by theirs alone.
            #expect(try await database.noteHostFailure(ScriptedHost.name) == 2)
            #expect(try await database.readyDisplays(withGL: false, on: [ScriptedHost.name], perHost: 9).count == 1)
        }
    }

    @Test("a real start takes the display that stands ready, and has a lent uid and its home")
    func real() async throws {
        try await withHost { gateway, host in
            try await field.makeReady()
            guard case .started(let number) = await gateway.answer(start(.real), from: GatewayField.root) else {
                Issue.record("not started")
                return
            }
            #expect(try await database.session(number)?.place?.number.value == 1)
            let calls = try host.calls().prefix(2)
            #expect(calls.map(\.word) == ["makeHome", "startApplication"])
            let account = try #require(calls[1].more["account"] as? [String: Any])
            #expect(account["uid"] as? Int == 2_100_000)
            #expect(account["home"] as? String == "\(folder)/.shadow/2100000")
        }
    }

    @Test("a full lent home is told in each of its sessions, its host has to clean it, and nobody after is told")
    func lentHome() async throws {
        try await withHost { gateway, host in
            guard case .started(let number) = await gateway.answer(start(.real), from: GatewayField.root) else {
                Issue.record("not started")
                return
            }
            let lodging = try await gateway.lodging(of: GatewayField.tester, .real)
            for _ in 0..<2 { await gateway.lookAtHome(of: lodging, in: number, on: ScriptedHost.name) }
            // The start's own look comes when it comes.
            #expect(try host.calls().count { $0.word == "message" } >= 2)
            #expect(gateway.homeNotice(of: lodging, on: ScriptedHost.name) == nil)
            // Nobody's session was on this host under the other uid: that its files were counted there is enough.
            let other = try await gateway.lodging(of: try .stress(2), .real)
            await gateway.lookAtHome(of: other, in: number, on: ScriptedHost.name)
            #expect(try await database.retireShadows(unusedFor: 0, ofStress: true) == 1)
            #expect(try await database.staleShadows().map(\.account.uid) == [other.account.uid])
            #expect(try await database.staleShadows().map(\.hosts) == [[ScriptedHost.name]])
        }
    }

    @Test("forty at once, of one user and one application whose limits are one, are told, ended and forgotten")
    func whole() async throws {
        try await withHost(stray: 77) { gateway, host in
            let requests = try (1...40).map {
                start($0 % 2 == 0 ? .real : .synthetic, for: try .stress(($0 + 3) / 4))
            }
            let replies = await results(of: requests, atMost: 40) { request in
                // On a machine that has others to serve some are told to come again.
                var reply = await gateway.answer(request, from: GatewayField.root)
                for _ in 0..<10 {
                    guard case .refused(let refusal) = reply, refusal.exitStatus == .tryAgain else { break }
                    reply = await gateway.answer(request, from: GatewayField.root)
                }
                return reply
            }
            #expect(replies.allSatisfy { if case .started = $0 { true } else { false } }, "\(replies)")
            guard case .counters(let counters) = await gateway.answer(.counters, from: GatewayField.root) else {
                return
            }
            #expect(counters["stress.running"] == 40)
            let all = Int(counters.lazy.filter { $0.key.hasPrefix("stress.") }.map(\.value).reduce(0, +))
            guard case .stressLeftovers(let left) = await gateway.answer(.stress(.leftovers), from: GatewayField.root)
            else {
                return
            }
            let lines = left.map(\.text)
            #expect(lines.first == "40 sessions of load tests are running")
            #expect(lines.contains("table viewperm has 40 of their rows"))
            #expect(lines.count { $0.hasPrefix("uid ") && $0.contains(" is lent to stress-00") } == 10)
            #expect(lines.count { $0.hasPrefix("display ") && $0.hasSuffix("of a load test") } == 40)
            #expect(lines.contains("display 77 of node1 is nobody's"))

            let keeper = Task { await gateway.keepShadows() }
            let onlyStray = ControlReply.stressLeftovers([StressLeftover("display 77 of node1 is nobody's")])
            var cleaned = (sessions: 0, rows: 0)
            // One answer waits for a minute at most, and whoever cleans asks again.
            for _ in 0..<5 where await gateway.answer(.stress(.leftovers), from: GatewayField.root) != onlyStray {
                guard case .stressCleaned(let sessions, let rows) = await clean(gateway) else { break }
                cleaned = (cleaned.sessions + sessions, cleaned.rows + rows)
            }
            keeper.cancel()
            await keeper.value
            #expect(await gateway.answer(.stress(.leftovers), from: GatewayField.root) == onlyStray)
            // Those who were told to come again have left a session that failed, with a row of ours; the others have one in
            // each of session's logs besides.
            #expect(cleaned.sessions == all)
            #expect(cleaned.rows >= 3 * 40 + (all - 40))
            #expect(await clean(gateway) == .stressCleaned(sessions: 0, rows: 0))
            let calls = try host.calls().filter { $0.word == "cleanAccount" }
            #expect(Set(calls.compactMap { ($0.more["account"] as? [String: Any])?["uid"] as? Int }).count == 10)
            #expect(try await database.hosts().map(\.uses) == [0])
        }
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
