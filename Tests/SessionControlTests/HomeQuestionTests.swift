import ControlProtocol
import ControlSocket
import SessionModel
import SessionStore
import TestServers
import Testing

@testable import SessionControl

/// Which of two hosts is asked of a home, and what becomes of a lie. The one that lies is first by name.
@Suite("Questions about homes, and the hosts they go to") final class HomeQuestionTests {
    private static let liar = HostName(known: "node0")
    private static let tester = UserName(known: "stress-0001")
    private static let alice = UserName(known: "alice")
    private let field: GatewayField

    init() async throws {
        field = try await GatewayField()
        try field.add("xterm", "command: xterm -ls")
    }

    /// Whose home `host` was asked of.
    private func asked(_ host: ScriptedHost) throws -> [String] {
        try host.calls().filter { $0.word == "homeUsage" }.compactMap {
            ($0.more["account"] as? [String: Any])?["name"] as? String
        }
    }

    @Test("a session's home is asked of the session's host, and what another host tells shows on no display of it")
    func ownHost() async throws {
        try await field.withHosts(besides: Self.liar) { gateway, host, liar in
            try host.makeRoom()
            let order = StartOrder(
                user: Self.tester, address: "", application: ApplicationName(known: "xterm"), stress: .real)
            let reply = await gateway.answer(.start(order), from: Caller(uid: 0, gid: 0, pid: 1))
            guard case .started(let number) = reply else { throw TestServerError("\(reply)") }
            #expect(try await field.database.session(number)?.place?.host == ScriptedHost.name)
            // Who has a session is asked of where it is, whatever the hosts' names.
            let lent = try await gateway.lodging(of: Self.tester, .real)
            #expect(try await !gateway.usage(of: lent).isOver)
            #expect(try asked(liar).isEmpty && asked(host).contains("\(Self.tester)"))

            // Of who has none any host is asked, and its lie stays its own.
            let account = Account(
                name: Self.alice, uid: 10_001, gid: 10_001, home: "\(field.folder)/alice", shell: "/bin/sh", groups: [])
            let lodging = Lodging.own(account, homeIsNamed: true)
            #expect(try await gateway.usage(of: lodging).isOver)
            #expect(try asked(liar) == ["alice"])
            #expect(gateway.homeNotice(of: lodging, on: Self.liar) != nil)
            #expect(gateway.homeNotice(of: lodging, on: ScriptedHost.name) == nil)
            await gateway.lookAtHome(of: lodging, in: number, on: ScriptedHost.name)
            #expect(try asked(liar) == ["alice"] && asked(host).contains("alice"))
            // Nor is a session's display another host's to write on.
            await gateway.lookAtHome(of: lent, in: number, on: Self.liar)
            #expect(try asked(liar) == ["alice", "\(Self.tester)"])
            for each in [host, liar] { #expect(try each.calls().map(\.word).contains("message") == false) }
        }
    }
}
