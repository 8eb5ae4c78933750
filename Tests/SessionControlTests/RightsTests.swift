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
        let people: Set = ["root", "portal", "administrator", "administrator tester"]
        let everyone: Set = ["root", "portal", "administrator", "person", "tester", "administrator tester"]
        let tester: Set = ["root", "tester", "administrator tester"]
        let route = HostOrder(
            name: host, address: "10.0.0.1", port: 22, account: "root", sshHostKey: "ssh-ed25519 AAAA", zone: nil,
            provisions: [], maximumUses: 0, runFolder: "/run/maxwell")
        return [
            (.start(StartOrder(user: alice, address: "", application: try ApplicationName("xterm"))), portal),
            (
                .start(
                    StartOrder(user: alice, address: "", application: try ApplicationName("xterm"), stress: .real)),
                tester
            ),
            (
                .start(
                    StartOrder(user: alice, address: "", application: try ApplicationName("xterm"), stress: .synthetic)),
                tester
            ),
            (.stress(.leftovers), tester),
            (.stress(.clean), tester),
            (.stress(.ledger(after: nil, count: 1)), tester),
            (.check(host: host, apply: true), portal),
            (.createUserHome(user: alice), portal),
            (.updateQuota(uid: "1", soft: "1", hard: "1"), portal),
            (.screenshot(user: alice), portal),
            (.quota(user: alice), everyone.union(["web"])),
            (.purge(user: alice, days: nil), ["root", "portal", "web"]),
            (.view(ViewOrder(session: session, user: nil, address: "", readOnly: false)), everyone),
            (.stop(session: session, delay: nil), everyone),
            (.stop(session: session, delay: .standard), everyone.subtracting(["portal"])),
            (.extend(session: session, seconds: nil), everyone),
            (.sessions(user: nil), everyone),
            (.why(session: session), everyone),
            (.ticket(TicketOrder(session: session)), everyone),
            (.hosts, people.union(["tester"])),
            (.applications, people),
            (.login(user: alice, password: Secret("x")), people),
            (.setHostStatus(host: host, status: .drain, endAfter: nil), people),
            (.reap(dryRun: true), people),
            (.hostKey, people),
            (.addHost(route), people),
            (.counters, tester),
            (.ping, everyone.union(["relay", "web", "nobody"])),
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
        let bob = Role.person(try UserName("bob"))
        let callers: [(String, Standing)] = [
            ("root", Standing(.root)), ("portal", Standing(.portal)), ("administrator", Standing(.administrator(nil))),
            ("person", Standing(bob)), ("relay", Standing(.relay)), ("web", Standing(.web)),
            ("nobody", Standing(.nobody)), ("tester", Standing(bob, inStressGroup: true)),
            ("administrator tester", Standing(.administrator(nil), inStressGroup: true)),
            // Who speaks for others gains nothing by a group.
            ("portal", Standing(.portal, inStressGroup: true)), ("relay", Standing(.relay, inStressGroup: true)),
            ("web", Standing(.web, inStressGroup: true)), ("nobody", Standing(.nobody, inStressGroup: true)),
        ]
        for (request, allowed) in try table() {
            for (name, caller) in callers {
                #expect(Rights.allow(caller, request) == allowed.contains(name), "\(name) asks \(request.word)")
            }
        }
    }

    @Test("only a person is held to their own name")
    func ownName() throws {
        let bob = try UserName("bob")
        #expect(Standing(.person(bob)).ownName == bob)
        #expect(Standing(.person(bob), inStressGroup: true).ownName == bob)
        for role in [Role.administrator(bob), .root, .portal] { #expect(Standing(role).ownName == nil) }
    }

    @Test("a person reaches their own sessions, and a tester those of stress users besides")
    func reach() throws {
        let (alice, bob, tester) = (try UserName("alice"), try UserName("bob"), try UserName.stress(1))
        let person = Standing(.person(bob))
        #expect([alice, bob, tester].map(person.reaches) == [false, true, false])
        let member = Standing(.person(bob), inStressGroup: true)
        #expect([alice, bob, tester].map(member.reaches) == [false, true, true])
        // An account of such a name is nobody's, and so has nothing of its own.
        let namesake = Standing(.person(tester))
        #expect([alice, bob, tester].map(namesake.reaches) == [false, false, false])
        for role in [Role.administrator(bob), .root, .portal] {
            #expect([alice, bob, tester].map(Standing(role).reaches) == [true, true, true])
        }
    }
}
