import ControlProtocol
import SessionModel
import Testing

@testable import SessionControl

@Suite("Who may ask what") struct RightsTests {
    private let session = SessionNumber(7)

    /// Every request there is, with the roles that may ask it.
    private func table() throws -> [(ControlRequest, allowed: Set<String>)] {
        let alice = try UserName("alice")
        let host = try HostName("exec1")
        let portal: Set = ["root", "portal"]
        let people: Set = ["root", "portal", "administrator"]
        let everyone: Set = ["root", "portal", "administrator", "person"]
        let route = HostOrder(
            name: host, address: "10.0.0.1", port: 22, account: "root", sshHostKey: "ssh-ed25519 AAAA", zone: nil,
            provisions: [], maximumUses: 0, runFolder: "/run/maxwell")
        return [
            (.start(StartOrder(user: alice, address: "", application: try ApplicationName("xterm"))), portal),
            (.check(host: host, apply: true), portal),
            (.createUserHome(user: alice), portal),
            (.updateQuota(uid: "1", soft: "1", hard: "1"), portal),
            (.screenshot(user: alice), portal),
            (.quota(user: alice), ["root", "portal", "administrator", "person", "web"]),
            (.purge(user: alice, days: nil), ["root", "portal", "web"]),
            (.view(ViewOrder(session: session, user: nil, address: "", readOnly: false)), everyone),
            (.stop(session: session, delay: nil), everyone),
            (.stop(session: session, delay: .standard), ["root", "administrator", "person"]),
            (.extend(session: session, seconds: nil), everyone),
            (.sessions(user: nil), everyone),
            (.why(session: session), everyone),
            (.ticket(TicketOrder(session: session)), everyone),
            (.hosts, people),
            (.applications, people),
            (.login(user: alice, password: Secret("x")), people),
            (.setHostStatus(host: host, status: .drain, endAfter: nil), people),
            (.reap(dryRun: true), people),
            (.hostKey, people),
            (.addHost(route), people),
            (.counters, ["root"]),
            (.ping, ["root", "portal", "administrator", "person", "relay", "web", "nobody"]),
            (.resolve(ResolveOrder(token: .token(), address: "", way: "websocket", relay: "")), ["relay"]),
            (.enter(EnterOrder(name: "alice", password: Secret("x"), address: "", relay: "")), ["relay"]),
            (.withdrawn(relay: ""), ["relay"]),
            (.viewOpened(ViewOpening(view: 1, began: 0)), ["relay"]),
            (.viewBeats(RelayBeat(name: "", instance: "", at: nil, views: [])), ["relay"]),
            (
                .viewClosed(
                    ViewEnd(view: 1, began: nil, seconds: 0, bytesToViewer: 0, bytesFromViewer: 0, cause: "")),
                ["relay"]
            ),
        ]
    }

    @Test("each role may ask its own list and nothing else")
    func closedLists() throws {
        let roles: [(String, Role)] = [
            ("root", .root), ("portal", .portal), ("administrator", .administrator(nil)),
            ("person", .person(try UserName("bob"))), ("relay", .relay), ("web", .web), ("nobody", .nobody),
        ]
        for (request, allowed) in try table() {
            for (name, role) in roles {
                #expect(Rights.allow(role, request) == allowed.contains(name), "\(name) asks \(request.word)")
            }
        }
    }

    @Test("only a person is held to their own name")
    func ownName() throws {
        let bob = try UserName("bob")
        #expect(Rights.ownName(.person(bob)) == bob)
        #expect(Rights.ownName(.administrator(bob)) == nil)
        #expect(Rights.ownName(.root) == nil)
        #expect(Rights.ownName(.portal) == nil)
    }
}
