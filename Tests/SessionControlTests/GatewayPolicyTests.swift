import ControlProtocol
import ControlSocket
import HostProtocol
import SessionModel
import SessionStore
import TestServers
import Testing

@testable import SessionControl

/// What an application's file says of its confinement, as it comes to a host. A load test's real start is one of a person's
/// in all of it, and needs no directory.
@Suite("An application's policy on its way to a host") final class GatewayPolicyTests {
    private let field: GatewayField
    private static let tester = UserName(known: "stress-0001")
    private static let denied = ["10.20.0.0/16", "2001:db8:1::/48"]
    /// The gateway's own machines have addresses in place of names: nothing is looked up.
    private static let settings = """
        database: {socket: , host: 10.9.8.7}
        ldap: {uris: ["ldap://10.9.8.6"]}
        network: {denied: [10.20.0.0/16, "2001:db8:1::/48"], range: 10.232.0.0/16, range6: "fd00:1::/64"}
        """
    /// Another host, which nobody answers for.
    private static let other = HostAddition(
        name: HostName(known: "node2"), address: "127.0.0.77", port: 1, sshHostKey: "ssh-ed25519 AAAA")

    init() async throws {
        field = try await GatewayField()
        for (name, policy) in [
            ("plain", ""), ("none", "network: none"), ("open", "network: open"),
            ("listed", "network: {allow: [hub.example.org:443, \"10.1.2.3:53/udp\"]}"), ("tree", "rootfs: /srv/tree"),
            ("image", "image: localhost/tools:2"), ("browser", "user_namespaces: true"),
        ] {
            try field.add(name, "command: xterm -ls\n\(policy)")
        }
    }

    private func start(_ application: String, _ gateway: Gateway) async -> ControlReply {
        let order = StartOrder(
            user: Self.tester, address: "", application: ApplicationName(known: application), stress: .real)
        return await gateway.answer(.start(order), from: Caller(uid: 0, gid: 0, pid: 1))
    }

    /// What the host was told of `application`, which is started.
    private func order(
        _ application: String, _ gateway: Gateway, _ host: ScriptedHost
    ) async throws -> ApplicationOrder {
        let reply = await start(application, gateway)
        guard case .started(let number) = reply else { throw TestServerError("\(application): \(reply)") }
        let orders = try host.requests().compactMap { (request) -> ApplicationOrder? in
            guard case .startApplication(let order) = request else { return nil }
            return order
        }
        return try #require(orders.first { $0.session == number })
    }

    @Test("an open network is denied the database, the directory, every host, this machine and what the settings deny")
    func open() async throws {
        try await field.withHost(Self.settings, others: [Self.other]) { gateway, host in
            let network = try #require(try await order("open", gateway, host).network)
            #expect(network.policy == .open)
            for address in ["10.9.8.7", "10.9.8.6", "127.0.0.1", "127.0.0.77"] + Self.denied {
                #expect(network.denied.contains(address), "\(address)")
            }
            #expect(network.range == "10.232.0.0/16" && network.range6 == "fd00:1::/64")
        }
    }

    @Test("a list comes with its targets and nothing more, and what the settings deny is denied")
    func listed() async throws {
        try await field.withHost(Self.settings, others: [Self.other]) { gateway, host in
            let network = try #require(try await order("listed", gateway, host).network)
            let targets = ["hub.example.org:443", "10.1.2.3:53/udp"].compactMap { NetworkTarget($0) }
            #expect(network.policy == .allow(targets) && targets.count == 2)
            #expect(network.denied == Self.denied)
            #expect(network.range == "10.232.0.0/16" && network.range6 == "fd00:1::/64")
        }
    }

    @Test("without a network, said or not, none is ordered")
    func none() async throws {
        try await field.withHost(Self.settings) { gateway, host in
            for application in ["plain", "none"] {
                let ordered = try await order(application, gateway, host)
                #expect(ordered.network == nil, "\(application)")
            }
        }
    }

    @Test("a tree, an image and the mark for user namespaces arrive as they were written, and only where they were")
    func confinement() async throws {
        try await field.withHost { gateway, host in
            for (application, tree, isMarked) in [
                ("plain", .host, false), ("tree", .folder("/srv/tree"), false),
                ("image", .image("localhost/tools:2"), false), ("browser", .host, true),
            ] as [(String, SystemTree, Bool)] {
                let order = try await order(application, gateway, host)
                #expect(order.tree == tree, "\(application)")
                #expect(order.mayMakeUserNamespaces == isMarked, "\(application)")
            }
        }
    }

    @Test("with an own machine that has no address an open start is refused before it takes a display; others go on")
    func unknown() async throws {
        let settings = "ldap: {uris: [\"ldap://no.such.name.invalid\"]}"
        try await field.withHost(settings) { gateway, host in
            try await field.makeReady()
            guard case .refused(let refusal) = await start("open", gateway) else {
                Issue.record("not refused")
                return
            }
            let error = SessionError.ownAddressUnknown("no.such.name.invalid")
            #expect(refusal.userMessage == error.userMessage && refusal.exitStatus == error.exitStatus)
            #expect(try host.requests().isEmpty)
            let ready = try await field.database.readyDisplays(withGL: false, on: [ScriptedHost.name], perHost: 9)
            #expect(ready.count == 1)
            for application in ["listed", "none"] { _ = try await order(application, gateway, host) }
        }
    }
}
