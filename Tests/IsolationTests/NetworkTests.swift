import FoundationEssentials
import Glibc
import HostProtocol
import SessionModel
import TestServers
import Testing

@testable import Isolation

/// Attacks from a session on what its network policy denies, each over TCP, UDP and IPv6, and the leftovers of a network.
@Suite("a session's network", .serialized)
struct NetworkTests {
    /// Every address that is nobody's business, with and without a server behind it.
    private static let elsewhere = [
        "tcp/198.18.1.20/443", "udp/198.18.1.20/443", "tcp/fd98::20/443", "udp/fd98::20/443",
        "tcp/198.18.1.30/443", "udp/198.18.1.30/443", "tcp/fd98::30/443", "udp/fd98::30/443",
        "tcp/169.254.169.254/443", "udp/169.254.169.254/443", "tcp/198.18.1.40/443", "udp/198.18.1.40/443",
    ]
    /// The host itself: by its addresses, by its end of the cable.
    private static let host = [
        "tcp/198.18.0.2/2222", "udp/198.18.0.2/2222", "tcp/fd99::2/2222", "udp/fd99::2/2222", "tcp/10.231.0.1/2222",
        "udp/10.231.0.1/2222", "tcp/fd00:6d77:7e11::1/2222", "udp/fd00:6d77:7e11::1/2222",
    ]
    private static let dns = ["tcp/198.18.1.20/53", "udp/198.18.1.20/53", "tcp/198.18.0.2/53", "udp/fd98::20/53"]
    /// Everybody near: broadcasts and groups.
    private static let spread = [
        "spread/255.255.255.255/443", "spread/198.18.0.255/443", "spread/224.0.0.1/443", "spread/239.1.2.3/443",
        "spread/ff02::1%eth0/443", "spread/ff05::1/443",
    ]
    private static let raw = ["ip", "icmp", "icmp6", "packet", "ping", "ping6"].map { "raw/" + $0 }
    /// Where packets vanish without an answer: those that come through do it at once.
    private static let hasty = "patience/0.3"
    private static let spoof = [
        "spoof/198.18.0.77/198.18.1.10/443", "spoof/fd99::77/fd98::10/443", "spoof/fd00:6d77:7e11::77/fd98::10/443",
    ]

    /// None of `words` came through, and the program heard it at once.
    private func expectRefused(
        _ results: [String: String], _ words: [String], sourceLocation: SourceLocation = #_sourceLocation
    ) {
        for word in words {
            #expect(
                results[word]?.hasPrefix("E") == true || results[word] == "gaierror",
                "\(word): \(results[word] ?? "not tried")",
                sourceLocation: sourceLocation)
        }
    }

    /// Asks until `isSo`, for 30 s.
    private func wait(sourceLocation: SourceLocation = #_sourceLocation, until isSo: () throws -> Bool) throws {
        let deadline = now() + 30
        while try !isSo() {
            try #require(now() < deadline, sourceLocation: sourceLocation)
            usleep(5000)
        }
    }

    @Test("without a policy nothing leaves: no device, no address, no name server, no raw socket")
    func none() throws {
        try withNetwork { field, agent in
            let number = try DisplayNumber(3181)
            try #require(try agent.make(number) == .displayReady)
            let words = Self.elsewhere + Self.host + Self.dns + Self.spread
            let results = try agent.attack(words + Self.raw + ["devices"], network: nil, on: number)
            expectRefused(results, words + Self.raw)
            #expect(results["devices"] == "lo")
            #expect(field.arrived == "ready\n" && field.arrivedOnHost == "ready\n")
            #expect(try field.onHost(["/usr/sbin/nft", "list", "tables"]) == "")
            expectEnded(try agent.end(number))
        }
    }

    @Test("what an application is allowed it reaches, by name, address, IPv6 and UDP, and not the next port")
    func allowed() throws {
        try withNetwork { field, agent in
            let number = try DisplayNumber(3182)
            try #require(try agent.make(number) == .displayReady)
            let network = NetworkField.only("hub.test:443", "[fd98::10]:443", "198.18.1.10:444/udp")
            let reached = ["tcp/hub.test/443", "tcp/fd98::10/443", "udp/198.18.1.10/444"]
            let next = [
                "tcp/198.18.1.10/444", "tcp/198.18.1.10/2222", "tcp/198.18.1.10/53", "udp/198.18.1.10/443",
                "udp/198.18.1.10/53", "tcp/fd98::10/444", "udp/fd98::10/443",
            ]
            let refused = next + Self.elsewhere + Self.host + Self.dns + Self.spread + Self.raw
            let results = try agent.attack(
                reached + refused + Self.spoof + ["tcp/unknown.test/443", "down/eth0", "devices"], network: network,
                on: number)
            // Its own address stays inside: the world sees the host's.
            #expect(results["tcp/hub.test/443"] == "reached as \(NetworkField.host)")
            #expect(results["tcp/fd98::10/443"] == "reached as \(NetworkField.host6)")
            #expect(results["udp/198.18.1.10/444"] == "reached as \(NetworkField.host)")
            expectRefused(results, refused + ["down/eth0"])
            #expect(results["tcp/unknown.test/443"] == "gaierror")
            #expect(results["devices"] == "eth0 lo")
            let arrived = field.arrived.split(separator: "\n").dropFirst()
            #expect(arrived.count == 3, "\(arrived)")
            #expect(field.arrivedOnHost == "ready\n")
            expectEnded(try agent.end(number))
        }
    }

    @Test("an open network reaches everything but what is denied, the controller, the host and other sessions")
    func open() throws {
        try withNetwork { field, agent in
            field.nameServers("nameserver 127.0.0.53\nnameserver 198.18.1.10\nnameserver fd98::30\n")
            let number = try DisplayNumber(3183)
            try #require(try agent.make(number) == .displayReady)
            let reached = [
                "tcp/198.18.1.20/443", "udp/198.18.1.20/444", "tcp/fd98::20/2222", "udp/fd98::20/443",
                "udp/198.18.1.10/53",
            ]
            let refused =
                [
                    "tcp/198.18.1.30/443", "udp/198.18.1.30/53", "tcp/fd98::30/443", "udp/fd98::30/53",
                    "tcp/169.254.169.254/443", "udp/169.254.169.254/53", "tcp/198.18.1.40/443", "udp/198.18.1.40/443",
                    "tcp/fd00:ec2::254/443", "udp/fd00:ec2::254/53", "tcp/168.63.129.16/443", "udp/168.63.129.16/53",
                    "tcp/100.100.100.200/443", "udp/100.100.100.200/53", "udp/64:ff9b::a83f:8110/443",
                    "tcp/10.231.0.5/443", "tcp/fd00:6d77:7e11::5/443", "udp/64:ff9b::c612:11e/443",
                    "udp/2002:c612:11e::1/443", "udp/::ffff:198.18.1.30/443",
                ] + Self.host + Self.spread + Self.raw
            let results = try agent.attack(
                reached + refused + Self.spoof, network: NetworkField.order(.open), on: number)
            for word in reached {
                let host = word.contains("fd98") ? NetworkField.host6 : NetworkField.host
                #expect(results[word] == "reached as \(host)", "\(word)")
            }
            expectRefused(results, refused)
            let arrived = field.arrived.split(separator: "\n").dropFirst()
            #expect(arrived.count == reached.count && arrived.allSatisfy { !$0.contains("::77") }, "\(arrived)")
            #expect(field.arrivedOnHost == "ready\n")
            #expect(try agent.inside(number, ["/bin/cat", "/etc/resolv.conf"]) == "nameserver 198.18.1.10\n")
            #expect(try agent.inside(number, ["/bin/cat", "/etc/nsswitch.conf"]).contains("hosts: files dns\n"))
            expectEnded(try agent.end(number))
        }
    }

    @Test("the display's server reaches nothing that its session may, the session's own listener included")
    func displayServer() throws {
        try withNetwork { field, agent in
            let number = try DisplayNumber(3197)
            try #require(try agent.make(number) == .displayReady)
            #expect(
                try agent.start(
                    "exec /usr/bin/python3 ~/attack.py listen/4430", network: NetworkField.order(.open), on: number)
                    == .applicationStarted)
            try wait { agent.file("7/app.log").contains("listening") }
            let inner = try #require(agent.left(of: number).first)
            let words = [
                "tcp/198.18.1.20/443", "udp/198.18.1.20/443", "tcp/fd98::20/443", "udp/fd98::20/443",
                "tcp/127.0.0.1/4430",
            ]
            let server = try field.attack(words, as: 2_000_000 + UInt32(number.value), in: inner.pid)
            expectRefused(server, words)
            #expect(field.arrived == "ready\n")
            let session = try field.attack(words, as: Agent.alice, in: inner.pid)
            #expect(words.allSatisfy { session[$0]?.hasPrefix("reached") == true }, "\(session)")
            expectEnded(try agent.end(number))
        }
    }

    @Test("a session's listener is reached by no other session and not by the host")
    func sessions() throws {
        try withNetwork { field, agent in
            let (listener, attacker) = (try DisplayNumber(3184), try DisplayNumber(3185))
            for number in [listener, attacker] { try #require(try agent.make(number) == .displayReady) }
            #expect(
                try agent.start(
                    "exec /usr/bin/python3 ~/attack.py listen/4430", network: NetworkField.order(.open), on: listener)
                    == .applicationStarted)
            try wait { agent.file("7/app.log").contains("listening") }
            let words = [
                "tcp/10.231.12.113/4430", "udp/10.231.12.113/4430", "tcp/fd00:6d77:7e11::c71/4430",
            ]
            let cable = try Cable(listener, NetworkField.order(.open))
            #expect("\(cable.container)" == "10.231.12.113" && "\(cable.container6)" == "fd00:6d77:7e11::c71")
            let results = try agent.attack(words, network: NetworkField.order(.open), on: attacker, session: 8)
            expectRefused(results, words)
            // A hole in the attacker's own rules: the host's and the listener's still hold.
            let inner = try #require(agent.left(of: attacker).first)
            let flushed = try field.onHost(
                ["/usr/bin/nsenter", "-t", "\(inner.pid)", "-n", "/usr/sbin/nft", "delete", "table", "inet", "maxwell"])
            #expect(flushed == "")
            let probe = [
                "/usr/bin/nsenter", "-t", "\(inner.pid)", "-n", "/usr/bin/python3", agent.home + "/attack.py",
            ]
            let again = try field.onHost(
                probe + ["tcp/198.18.1.20/443", Self.hasty] + words + Self.host + ["tcp/198.18.1.30/443"])
            #expect(!again.contains("tcp/198.18.1.30/443 reached") && !again.contains("10.231.12.113/4430 reached"))
            #expect(again.contains("tcp/198.18.1.20/443 reached"), "\(again)")
            let fromHost = try field.onHost(["/usr/bin/python3", agent.home + "/attack.py", Self.hasty] + words)
            #expect(!fromHost.contains("reached"))
            #expect(!agent.file("7/app.log").contains("arrived") && field.arrivedOnHost == "ready\n")
            for number in [listener, attacker] { expectEnded(try agent.end(number)) }
        }
    }

    @Test("the host's rules hold where the container's are gone, a forged source included, and the other way round")
    func twice() throws {
        try withNetwork { field, agent in
            let number = try DisplayNumber(3186)
            try #require(try agent.make(number) == .displayReady)
            #expect(
                try agent.start("exec sleep 1000", network: NetworkField.only("hub.test:443"), on: number)
                    == .applicationStarted)
            let inner = try #require(agent.left(of: number).first)
            let inside = ["/usr/bin/nsenter", "-t", "\(inner.pid)", "-n"]
            let probe = inside + ["/usr/bin/python3", agent.home + "/attack.py"]
            let words = ["tcp/198.18.1.10/444", "tcp/fd98::20/443", "udp/198.18.1.20/53", "tcp/198.18.0.2/2222"]
            // The host's rules are lost; a look at the names brings them back.
            #expect(try field.onHost(["/usr/sbin/nft", "flush", "ruleset"]) == "")
            #expect(try !field.onHost(probe + [Self.hasty] + words).contains("reached"))
            try wait { try field.onHost(["/usr/sbin/nft", "list", "ruleset"]).contains("jump mw3186") }
            // The container's are lost.
            #expect(try field.onHost(inside + ["/usr/sbin/nft", "flush", "ruleset"]) == "")
            _ = try field.onHost(inside + ["/usr/sbin/ip", "address", "add", "198.18.0.77/32", "dev", "eth0"])
            let said = try field.onHost(probe + ["tcp/198.18.1.10/443", Self.hasty] + words + Self.spoof)
            #expect(said.contains("tcp/198.18.1.10/443 reached"))
            #expect(!words.contains { said.contains("\($0) reached") }, "\(said)")
            #expect(
                !field.arrived.contains(".77") && !field.arrived.contains("::77") && field.arrivedOnHost == "ready\n")
            expectEnded(try agent.end(number))
        }
    }

    @Test("a name that gets an address later, or another one, is followed")
    func names() throws {
        try withNetwork { field, agent in
            let number = try DisplayNumber(3187)
            try #require(try agent.make(number) == .displayReady)
            field.name("")
            let reach = "while ! /usr/bin/python3 ~/attack.py tcp/hub.test/443 | grep reached; do :; done; "
            #expect(
                try agent.start(
                    reach + "grep hub.test /etc/hosts; echo first; "
                        + "while grep -q '198.18.1.10 hub.test' /etc/hosts; do :; done; "
                        + reach + "/usr/bin/python3 ~/attack.py tcp/198.18.1.10/443",
                    network: NetworkField.only("hub.test:443"), on: number) == .applicationStarted)
            field.name("\(NetworkField.hub) hub.test\n")
            try wait { agent.file("7/app.log").contains("first\n") }
            #expect(agent.file("7/app.log").contains("198.18.1.10 hub.test\n"))
            field.name("\(NetworkField.other) hub.test\n")
            #expect(try agent.exit().status == 0)
            let said = agent.file("7/app.log")
            #expect(said.contains("tcp/198.18.1.10/443 E"), "\(said)")
            #expect(field.arrived.contains("198.18.1.20 443 from \(NetworkField.host)"))
            // One that is nowhere any more keeps its address; one that is the host's own, or denied, is given none.
            field.name("\(NetworkField.database) hub.test\n")
            let rules = ["/usr/sbin/nft", "list", "set", "inet", "maxwell", "mw3187-allowed4"]
            try wait { try !field.onHost(rules).contains("elements") }
            expectEnded(try agent.end(number))
        }
    }

    @Test("an application with programs of its own has the same names, and follows them too")
    func namesInTree() throws {
        let tree = "/tmp/mw-tree-\(Secret.token().exposed.prefix(8))"
        defer { removeTree(tree) }
        try TreeTests.makeTree(at: tree)
        try withNetwork { field, agent in
            let number = try DisplayNumber(3196)
            try #require(try agent.make(number) == .displayReady)
            var order = try agent.order(
                "while :; do while read a b; do echo $a $b; [ $a = 198.18.1.20 ] && exit 0; done < /etc/hosts; done",
                on: number, session: 7, geometry: .usual)
            order.network = NetworkField.only("hub.test:443")
            order.tree = .folder(tree)
            #expect(try agent.ask(.startApplication(order)) == .applicationStarted)
            try wait { agent.file("7/app.log").contains("198.18.1.10 hub.test\n") }
            field.name("\(NetworkField.other) hub.test\n")
            #expect(try agent.exit().status == 0)
            #expect(agent.file("7/app.log").hasSuffix("198.18.1.20 hub.test\n"))
            expectEnded(try agent.end(number))
        }
    }

    @Test("after the end nothing of it is there, by name; another session's network goes on")
    func cleaning() throws {
        try withNetwork { field, agent in
            let (first, second) = (try DisplayNumber(3188), try DisplayNumber(3189))
            for number in [first, second] { try #require(try agent.make(number) == .displayReady) }
            let forwarding = [
                "/bin/cat", "/proc/sys/net/ipv4/ip_forward", "/proc/sys/net/ipv6/conf/all/forwarding",
            ]
            let before = try field.onHost(forwarding)
            for (number, session) in [(first, UInt64(7)), (second, 8)] {
                #expect(
                    try agent.start(
                        "exec sleep 1000", network: NetworkField.only("hub.test:443"), on: number, session: session)
                        == .applicationStarted)
            }
            #expect(before == "0\n0\n")
            #expect(try field.onHost(forwarding) == "1\n1\n")
            expectEnded(try agent.end(first))
            let left = try field.onHost(["/usr/sbin/nft", "list", "ruleset"])
            #expect(!left.contains("mw3188") && left.contains("mw3189"))
            let inner = try #require(agent.left(of: second).first)
            let said = try field.onHost([
                "/usr/bin/nsenter", "-t", "\(inner.pid)", "-n", "/usr/bin/python3", agent.home + "/attack.py",
                "tcp/198.18.1.10/443",
            ])
            #expect(said.contains("reached"))
            // The last one's keeper is killed: whoever finds it cleans up.
            for pid in agent.processes("keep 3189") { kill(pid, SIGKILL) }
            guard case .displayDied = try agent.event() else {
                Issue.record("the death was not told")
                return
            }
            #expect(try field.onHost(["/usr/sbin/nft", "list", "tables"]) == "")
            #expect(try !field.onHost(["/usr/sbin/ip", "-o", "link"]).contains("mw31"))
            #expect(try field.onHost(forwarding) == before)
            #expect(agent.traces(of: first) == [] && agent.traces(of: second) == [])
        }
    }

    @Test("a host that forwarded before goes on to, one without IPv6 gets none, and a router's word counts as before")
    func forwarding() throws {
        try withNetwork { field, agent in
            let number = try DisplayNumber(3195)
            let set = ["/usr/sbin/sysctl", "-qw"]
            let six = ["/bin/cat", "/proc/sys/net/ipv6/conf/all/forwarding"]
            let four = ["/bin/cat", "/proc/sys/net/ipv4/ip_forward"]
            let routers = ["/bin/cat", "/proc/sys/net/ipv6/conf/eth0/accept_ra"]
            #expect(try field.onHost(set + ["net.ipv4.ip_forward=1"]) == "")
            #expect(try field.onHost(routers) == "1\n")
            for (session, hasSix) in [(UInt64(7), true), (8, false)] {
                try #require(try agent.make(number) == .displayReady)
                if !hasSix { #expect(try field.onHost(set + ["net.ipv6.conf.default.disable_ipv6=1"]) == "") }
                let words = ["tcp/198.18.1.10/443", "tcp/fd98::20/443"]
                let network = NetworkField.order(.open)
                let reply = try agent.start(
                    "/usr/bin/python3 ~/attack.py \(words.joined(separator: " ")); exec sleep 1000", network: network,
                    on: number, session: session)
                #expect(reply == .applicationStarted)
                try wait { agent.results(session)[words[1]] != nil }
                let results = agent.results(session)
                #expect(results[words[0]] == "reached as \(NetworkField.host)")
                #expect(results[words[1]] == (hasSix ? "reached as \(NetworkField.host6)" : "ENETUNREACH"))
                let rules = try field.onHost(["/usr/sbin/nft", "list", "chain", "inet", "maxwell", "forward"])
                #expect(!rules.contains("nfproto ipv4 drop") && rules.contains("nfproto ipv6 drop") == hasSix)
                #expect(try field.onHost(six) == (hasSix ? "1\n" : "0\n"))
                #expect(try field.onHost(routers) == "2\n")
                expectEnded(try agent.end(number))
                #expect(try field.onHost(four) == "1\n")
                #expect(try field.onHost(six) == "0\n")
            }
        }
    }

    @Test("a start that fails after its cable was plugged in leaves none, and the display can be used")
    func failedLaunch() throws {
        try withNetwork { field, agent in
            let number = try DisplayNumber(3190)
            try #require(try agent.make(number) == .displayReady)
            rename(agent.home, agent.home + "-away")
            expectFailure(
                try agent.start(
                    "true", network: NetworkField.only("hub.test:443", "198.18.0.2:22"), on: number), .homeUnavailable)
            let said = try #require(text(of: agent.run + "/host.log"))
            #expect(said.contains("198.18.0.2:22 has no address, or only denied ones\n") && !said.contains("hub.test"))
            rename(agent.home + "-away", agent.home)
            #expect(try field.onHost(["/usr/sbin/nft", "list", "tables"]) == "")
            #expect(try !field.onHost(["/usr/sbin/ip", "-o", "link"]).contains("mw31"))
            // What the first one was allowed is not what the second one is.
            let words = ["tcp/198.18.1.10/443", "tcp/198.18.1.10/444"]
            let results = try agent.attack(words, network: NetworkField.only("198.18.1.10:444"), on: number)
            #expect(results == [words[0]: "ECONNREFUSED", words[1]: "reached as \(NetworkField.host)"])
            expectEnded(try agent.end(number))
            #expect(agent.traces(of: number) == [])
        }
    }

    @Test("one that ends while its cable is being made leaves none, and the hand-over is answered")
    func endedInPlug() throws {
        try withNetwork { field, agent in
            let number = try DisplayNumber(3191)
            try #require(try agent.make(number) == .displayReady)
            field.nameServers("nameserver 198.18.0.99\n")
            var order = try agent.order("true", on: number, session: 7, geometry: .usual)
            order.network = NetworkField.only("slow.test:443")
            try agent.send(.startApplication(order))
            expectEnded(try agent.end(number))
            expectFailure(try agent.reply(), .displayBusy)
            #expect(try field.onHost(["/usr/sbin/nft", "list", "tables"]) == "")
            #expect(agent.traces(of: number) == [])
        }
    }

    @Test("an order that cannot be meant is refused, and nothing was made")
    func refusedOrders() throws {
        try withNetwork { field, agent in
            let number = try DisplayNumber(3192)
            try #require(try agent.make(number) == .displayReady)
            var orders = [NetworkField.order(.open, denied: ["10.0.0.0/8; flush ruleset"])]
            for (range, range6) in [
                ("10.231.0.0/24", "fd00::/64"), ("fd00::/64", "fd00::/64"), ("10.231.0.0/16", "10.231.0.0/16"),
                ("10.231.0.0/16", "fd00::/120"), ("", ""),
            ] {
                orders.append(NetworkOrder(policy: .open, denied: [], range: range, range6: range6))
            }
            let many = (1...65).compactMap { NetworkTarget("10.0.0.1:\($0)") }
            orders.append(NetworkField.order(.allow(many)))
            for order in orders {
                expectFailure(try agent.start("true", network: order, on: number), .refused)
            }
            #expect(try field.onHost(["/usr/sbin/nft", "list", "tables"]) == "")
            #expect(try agent.attack(["devices"], network: nil, on: number)["devices"] == "lo")
            expectEnded(try agent.end(number))
        }
    }

    @Test("a session that opens connections without end is bounded, and another one is not")
    func connections() throws {
        try withNetwork { field, agent in
            let (greedy, modest) = (try DisplayNumber(3193), try DisplayNumber(3194))
            for number in [greedy, modest] { try #require(try agent.make(number) == .displayReady) }
            let many = "many/198.18.1.77/443/3000"
            let results = try agent.attack([many], network: NetworkField.order(.open), on: greedy)
            #expect(results[many] == "EPERM")
            let word = "tcp/198.18.1.20/443"
            let other = try agent.attack([word], network: NetworkField.order(.open), on: modest, session: 8)
            #expect(other[word] == "reached as \(NetworkField.host)")
            for number in [greedy, modest] { expectEnded(try agent.end(number)) }
        }
    }

    @Test("what a session sends to itself is nothing that the host remembers")
    func ownConnections() throws {
        try withNetwork { field, agent in
            let number = try DisplayNumber(3193)
            try #require(try agent.make(number) == .displayReady)
            let words = ["spray/127.0.0.1", "spray/::1"]
            let results = try agent.attack(words, network: NetworkField.order(.open), on: number)
            #expect(words.allSatisfy { results[$0] == "sent" }, "\(results)")
            let first = try #require(agent.left(of: number).first)
            let remembered = try runCommand([
                "/usr/bin/nsenter", "-t", "\(first.pid)", "-n", "/bin/cat",
                "/proc/sys/net/netfilter/nf_conntrack_count",
            ]).output
            #expect(try #require(Int(remembered.filter(\.isNumber))) < 100)
            expectEnded(try agent.end(number))
        }
    }
}
