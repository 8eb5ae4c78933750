import HostProtocol
import SessionModel
import Testing

@testable import Isolation

@Suite("addresses and what may be reached")
struct NetworkRulesTests {
    @Test(
        "networks are read and written",
        arguments: [
            ("10.0.0.5", "10.0.0.5"), ("10.1.2.3/8", "10.0.0.0/8"), ("0.0.0.0/0", "0.0.0.0/0"),
            ("2001:DB8::1", "2001:db8::1"), ("fe80::1/10", "fe80::/10"), ("::ffff:10.0.0.5", "10.0.0.5"),
            ("::ffff:10.0.0.0/104", "10.0.0.0/8"), ("10.0.0.5/32", "10.0.0.5"), ("::/0", "::/0"),
        ])
    func read(text: String, written: String) throws {
        let network = try #require(IPNetwork(text))
        #expect("\(network)" == written)
        #expect(IPNetwork("\(network)") == network)
    }

    @Test(
        "what is no network is none",
        arguments: [
            "", "10.0.0", "10.0.0.256", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "fe80::/129", "fe80::1%eth0", "a/8",
            "10.0.0.0/8/8", " 10.0.0.1", "10.0.0.1;", "hub", "[::1]", "10.0.0.0/+8", "10.0.0.0/0008",
        ])
    func malformed(_ text: String) { #expect(IPNetwork(text) == nil) }

    @Test("a network contains its parts, and no two of disjoint ones overlap")
    func containment() throws {
        let networks = ["10.1.0.0/16", "10.0.0.0/8", "10.1.2.3", "192.0.2.0/24", "::/0", "fe80::/10"].compactMap {
            IPNetwork($0)
        }
        #expect(IPNetwork.disjoint(networks).map(\.description).sorted() == ["10.0.0.0/8", "192.0.2.0/24", "::/0"])
        #expect(!networks[4].contains(networks[0]) && networks[1].contains(networks[2]))
        #expect(!networks[2].contains(networks[1]))
    }

    @Test("a display has the address of its number, while the range has one")
    func cable() throws {
        let display = try DisplayNumber(300)
        let order = NetworkOrder(policy: .open, denied: [], range: "10.231.0.0/20", range6: "fd00::/64")
        let cable = try Cable(display, order)
        #expect("\(cable.container) \(cable.host)" == "10.231.1.45 10.231.0.1" && cable.name == "mw300")
        #expect("\(cable.container6) \(cable.host6)" == "fd00::12d fd00::1")
        for last in [4093, 4094] {
            let made = try? Cable(try DisplayNumber(last), order)
            #expect((made != nil) == (last == 4093))
        }
        #expect(Cable.isName("mw300") && !Cable.isName("mwq12-1") && !Cable.isName("mw") && !Cable.isName("eth0"))
    }

    private func reach(_ policy: NetworkPolicy, _ names: [String: [String]] = [:]) throws -> Reach {
        let order = NetworkOrder(
            policy: policy, denied: ["198.51.100.0/24"], range: "10.231.0.0/16", range6: "fd00::/64")
        let addresses = names.mapValues { $0.compactMap { IPNetwork($0) } }
        return try Reach(order, names: addresses, own: [try #require(IPNetwork("192.0.2.1"))])
    }

    @Test("a name that points to what is denied, to the host, to itself or to a session gives nothing")
    func rebinding() throws {
        let names = [
            "hub": [
                "203.0.113.1", "198.51.100.7", "192.0.2.1", "127.0.0.1", "10.231.0.9", "224.0.0.1", "::1", "fe80::1",
                "fd00::9", "64:ff9b::c633:6407", "2002:c633:6407::1", "255.255.255.255", "0.0.0.0", "2001:db8::1",
            ]
        ]
        let target = try #require(NetworkTarget("hub:443"))
        let reach = try reach(.allow([target, target]), names)
        guard case .only(let grants) = reach else {
            Issue.record("not a list")
            return
        }
        #expect(grants.map(\.address.description) == ["203.0.113.1", "2001:db8::1"])
        #expect(try self.reach(.none) == .only([]))
    }

    @Test("what is denied in IPv4 is denied by way of a translator too")
    func translated() throws {
        guard case .everythingBut(let denied) = try reach(.open) else {
            Issue.record("not open")
            return
        }
        for text in ["64:ff9b::c633:6401", "64:ff9b::c000:201", "64:ff9b::7f00:1"] {
            let address = try #require(IPNetwork(text))
            #expect(denied.contains { $0.contains(address) }, "\(text)")
        }
        let world = try #require(IPNetwork("64:ff9b::cb00:7101"))
        #expect(!denied.contains { $0.contains(world) })
    }

    @Test("a host's name servers are used where a container can reach them")
    func resolver() throws {
        let denied = try Reach.denied(
            NetworkOrder(policy: .open, denied: ["192.0.2.0/24"], range: "10.231.0.0/16", range6: "fd00::/64"), own: [])
        let text = "# made\nnameserver 127.0.0.53\nsearch example.org\nnameserver\t203.0.113.1 \nnameserver 192.0.2.1\n"
        #expect(ContainerNames.resolver(text, denied: denied) == "search example.org\nnameserver 203.0.113.1\n")
        #expect(ContainerNames.resolver("nameserver 127.0.0.53\nsearch x\n", denied: denied) == "")
    }

    @Test("of a look-up's answer the addresses count, each once, and not too many")
    func lookup() {
        let answer = """
            203.0.113.1     STREAM hub.example.org
            203.0.113.1     DGRAM
            2001:db8::1     STREAM
            fe80::1%eth0    STREAM
            nonsense

            """
        #expect(NameLookup.addresses(in: answer).map(\.description) == ["203.0.113.1", "2001:db8::1"])
        let long = (0..<100).map { "10.0.0.\($0) STREAM\n" }.joined()
        #expect(NameLookup.addresses(in: long).count == 16)
    }

    @Test("the metadata services of clouds are denied though no order says so, and cannot be allowed")
    func metadata() throws {
        guard case .everythingBut(let denied) = try reach(.open) else {
            Issue.record("not open")
            return
        }
        for text in [
            "169.254.169.254", "168.63.129.16", "100.100.100.200", "192.0.0.192", "fe80::a9fe:a9fe", "fd00:ec2::254",
            "fd20:ce::254", "fd00:c1::a9fe:a9fe", "fd00:42::42", "fd00:a9fe:a9fe::1", "fd00:100::100:200",
            "64:ff9b::a83f:8110",
        ] {
            let address = try #require(IPNetwork(text))
            #expect(denied.contains { $0.contains(address) }, "\(text)")
            let target = try #require(NetworkTarget(text.contains(":") ? "[\(text)]:80" : "\(text):80"))
            #expect(try reach(.allow([target])) == .only([]), "\(text)")
        }
        // What an order denies comes on top, and what is beside them is the world's.
        for (text, isDenied) in [("198.51.100.7", true), ("168.63.129.17", false), ("fd00:ec3::254", false)] {
            let address = try #require(IPNetwork(text))
            #expect(denied.contains { $0.contains(address) } == isDenied, "\(text)")
        }
    }

    @Test("what the display's server sends is refused before anything else that leaves a container is looked at")
    func displayServer() throws {
        let cable = try Cable(
            try DisplayNumber(5),
            NetworkOrder(policy: .open, denied: [], range: "10.231.0.0/16", range6: "fd00::/64"))
        let target = try #require(NetworkTarget("10.1.2.3:830"))
        for policy in [NetworkPolicy.open, .allow([target])] {
            let rules = NetworkRules(cable: cable, reach: try reach(policy), displayUser: 2_000_005)
            for script in [rules.container, rules.containerAnew] {
                let leaving = script.split(separator: "\n").filter { $0.hasPrefix("add rule inet maxwell output ") }
                #expect(leaving.first == "add rule inet maxwell output meta skuid 2000005 goto refuse")
            }
        }
    }

    @Test("a script names nothing but what was parsed")
    func scripts() throws {
        let display = try DisplayNumber(5)
        let order = NetworkOrder(policy: .open, denied: [], range: "10.231.0.0/16", range6: "fd00::/64")
        let grant = Reach.Grant(address: try #require(IPNetwork("10.1.2.3")), port: 830, transport: .tcp)
        let rules = NetworkRules(
            cable: try Cable(display, order), reach: .only([grant]), displayUser: 2_000_005)
        #expect(rules.container.contains("add element inet maxwell allowed4 { 10.1.2.3 . tcp . 830 }\n"))
        #expect(
            rules.hostRefresh == """
                flush set inet maxwell mw5-allowed4
                add element inet maxwell mw5-allowed4 { 10.1.2.3 . tcp . 830 }
                flush set inet maxwell mw5-allowed6

                """)
        #expect(!rules.host(ours: []).contains("nfproto") && rules.host(ours: [.ipv6]).contains("nfproto ipv6 drop"))
    }
}
