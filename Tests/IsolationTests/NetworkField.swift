import FoundationEssentials
import Glibc
import HostProtocol
import SessionModel
import TestServers

@testable import Isolation

/// A host in a network of its own, with a cable to another one, the outside, that has servers on many addresses: the
/// machine's own network has no part in it.
final class NetworkField {
    static let host = "198.18.0.2"
    static let host6 = "fd99::2"
    static let hub = "198.18.1.10"
    static let hub6 = "fd98::10"
    static let other = "198.18.1.20"
    static let other6 = "fd98::20"
    static let database = "198.18.1.30"
    static let database6 = "fd98::30"
    static let controller = "198.18.1.40"
    static let metadata = ["169.254.169.254", "fd00:ec2::254", "168.63.129.16", "100.100.100.200"]
    static let ports = [53, 443, 444, 2222]

    let folder: PrivateFolder
    private let names: (host: String, outside: String)
    private let outside: WatchedProcess
    private let own: WatchedProcess

    /// Makes both networks; their servers answer.
    init() throws {
        let mark = Secret.token().exposed.prefix(6)
        names = ("mwn-h\(mark)", "mwn-o\(mark)")
        folder = try PrivateFolder(prefix: "mwn")
        for space in [names.host, names.outside] { try Self.run(["netns", "add", space]) }
        let far = ["198.18.0.1/24", "fd99::1/64"]
        let servers =
            [Self.hub, Self.hub6, Self.other, Self.other6, Self.database, Self.database6, Self.controller]
            + Self.metadata
        try Self.run(
            ["-n", names.host, "-batch", "-"],
            """
            link set lo up
            link add eth0 type veth peer name up0 netns \(names.outside)
            link set eth0 up
            address add \(Self.host)/24 dev eth0
            address add \(Self.host6)/64 dev eth0 nodad

            """)
        try Self.run(
            ["-n", names.outside, "-batch", "-"],
            "link set lo up\nlink set up0 up\n"
                + far.map { "address add \($0) dev up0" + ($0.contains(":") ? " nodad\n" : "\n") }.joined()
                + servers.map { "address add \($0)" + ($0.contains(":") ? "/128 dev lo nodad\n" : "/32 dev lo\n") }
                .joined())
        try Self.run(
            ["-n", names.host, "-batch", "-"],
            "route add 0.0.0.0/0 via 198.18.0.1 dev eth0\nroute add ::/0 via fd99::1 dev eth0\n")
        try writeFile(folder.file("servers.py"), Array(Self.servers.utf8), mode: 0o644)
        try writeFile(folder.file("hosts"), Array("127.0.0.1 localhost\n\(Self.hub) hub.test\n".utf8), mode: 0o644)
        try writeFile(folder.file("resolv.conf"), Array("nameserver 127.0.0.9\n".utf8), mode: 0o644)
        let program = [
            "/usr/bin/python3", folder.file("servers.py"), Self.ports.map(String.init).joined(separator: ","),
        ]
        outside = try WatchedProcess(
            Self.inside(names.outside) + program + servers + ["198.18.0.1", "fd99::1"], log: folder.file("outside"))
        own = try WatchedProcess(
            Self.inside(names.host) + program + [Self.host, Self.host6, "127.0.0.1", "::1"], log: folder.file("own"))
        let (outsideLog, ownLog) = (folder.file("outside"), folder.file("own"))
        try outside.waitUntil { text(of: outsideLog)?.hasPrefix("ready") == true }
        try own.waitUntil { text(of: ownLog)?.hasPrefix("ready") == true }
    }

    /// Ends the servers and both networks.
    func tearDown() {
        outside.stop()
        own.stop()
        for space in [names.host, names.outside] { _ = try? Self.run(["netns", "delete", space]) }
        folder.remove()
    }

    /// Servers of TCP and UDP that say who asked, and write it down.
    private static let servers = """
        import socket, sys, threading
        ports = [int(p) for p in sys.argv[1].split(",")]
        def note(*words): print(*words, flush=True)
        def tcp(s, where):
            while True:
                c, peer = s.accept()
                note("tcp", *where, "from", peer[0])
                try: c.sendall(peer[0].encode())
                except OSError: pass
                c.close()
        def udp(s, where):
            while True:
                _, peer = s.recvfrom(2000)
                note("udp", *where, "from", peer[0])
                s.sendto(peer[0].encode(), peer)
        todo = []
        for address in sys.argv[2:]:
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            for port in ports:
                for kind, serve in (socket.SOCK_STREAM, tcp), (socket.SOCK_DGRAM, udp):
                    s = socket.socket(family, kind)
                    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                    s.bind((address, port))
                    if kind == socket.SOCK_STREAM: s.listen(50)
                    todo.append((serve, s, (address, port)))
        note("ready")
        threads = [threading.Thread(target=serve, args=(s, where)) for serve, s, where in todo]
        for thread in threads: thread.start()
        """

    /// What an attacker does: each word is an attempt, each line its result.
    private static let attacks = """
        import errno, os, socket, struct, sys, time
        def name(e): return errno.errorcode.get(e.errno, type(e).__name__)
        def family(host): return socket.AF_INET6 if ":" in host else socket.AF_INET
        wait = 5
        def patience(seconds):
            global wait
            wait = float(seconds)
            return "taken"
        def tcp(host, port):
            with socket.create_connection((host, int(port)), wait) as s: return "reached as " + s.recv(100).decode()
        def udp(host, port):
            with socket.socket(family(host), socket.SOCK_DGRAM) as s:
                s.settimeout(wait)
                s.connect((host, int(port)))
                s.send(b"x")
                return "reached as " + s.recv(100).decode()
        def spread(host, port):
            with socket.socket(family(host), socket.SOCK_DGRAM) as s:
                s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
                s.sendto(b"x", (host, int(port)))
                return "sent"
        def spoof(source, host, port):
            with socket.socket(family(host), socket.SOCK_DGRAM) as s:
                if family(host) == socket.AF_INET6: s.setsockopt(socket.IPPROTO_IPV6, 78, 1)
                else: s.setsockopt(socket.IPPROTO_IP, 15, 1)
                s.bind((source, 0))
                s.sendto(b"x", (host, int(port)))
                return "sent"
        def raw(kind):
            kinds = {
                "ip": (socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW),
                "icmp": (socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP),
                "icmp6": (socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6),
                "packet": (socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3)),
                "ping": (socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP),
                "ping6": (socket.AF_INET6, socket.SOCK_DGRAM, socket.IPPROTO_ICMPV6)}
            with socket.socket(*kinds[kind]): return "made"
        def down(device):
            import fcntl
            with socket.socket() as s: fcntl.ioctl(s, 0x8914, struct.pack("16sH14x", device.encode(), 0))
            return "done"
        def many(host, port, count):
            kept = []
            for n in range(int(count)):
                s = socket.socket(family(host), socket.SOCK_DGRAM)
                s.connect((host, int(port)))
                try: s.send(b"x")
                except OSError as e: return name(e)
                kept.append(s) if n < 100 else s.close()
            return "sent"
        def spray(host):
            with socket.socket(family(host), socket.SOCK_DGRAM) as s:
                for port in range(1, 65536): s.sendto(b"x", (host, port))
            return "sent"
        def listen(port):
            s = socket.socket(socket.AF_INET6)
            s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
            s.bind(("::", int(port)))
            s.listen(5)
            print("listening", flush=True)
            s.accept()
            return "arrived"
        def devices(): return " ".join(sorted(n for _, n in socket.if_nameindex()))
        for word in sys.argv[1:]:
            what, *rest = word.split("/")
            try: result = globals()[what](*rest)
            except OSError as e: result = name(e)
            print(word, result, flush=True)
        """

    private static func inside(_ space: String) -> [String] { ["/usr/bin/nsenter", "--net=/run/netns/\(space)"] }

    @discardableResult
    private static func run(_ words: [String], _ input: String = "") throws -> String {
        let result = try runCommand(["/usr/sbin/ip"] + words, input: input)
        guard result.status == 0 else { throw TestServerError("ip \(words): \(result.errors)") }
        return result.output
    }

    /// What a program prints in the host's network.
    func onHost(_ words: [String], input: String = "") throws -> String {
        let result = try runCommand(Self.inside(names.host) + words, input: input)
        return result.output + result.errors
    }

    /// What every attempt gave that `uid` made in the network of the process `pid`, by its word.
    func attack(_ words: [String], as uid: UInt32, in pid: Int32) throws -> [String: String] {
        let account = ["/usr/bin/setpriv", "--reuid", "\(uid)", "--regid", "\(uid)", "--clear-groups"]
        return Self.results(
            in: try onHost(
                ["/usr/bin/nsenter", "-t", "\(pid)", "-n"] + account + ["/usr/bin/python3", "-"] + words,
                input: Self.attacks))
    }

    /// The result of each attempt, by its word.
    static func results(in text: String) -> [String: String] {
        var results: [String: String] = [:]
        for line in text.split(separator: "\n") {
            guard let space = line.firstIndex(of: " ") else { continue }
            results[String(line[..<space])] = String(line[line.index(after: space)...])
        }
        return results
    }

    /// What came to the outside's servers.
    var arrived: String { text(of: folder.file("outside")) ?? "" }
    /// What came to the host's own.
    var arrivedOnHost: String { text(of: folder.file("own")) ?? "" }

    /// Gives a name its addresses, as the host knows them.
    func name(_ lines: String) {
        let fd = open(folder.file("hosts"), O_WRONLY | O_TRUNC)
        _ = writeAll(Array(("127.0.0.1 localhost\n" + lines).utf8), to: fd)
        close(fd)
    }

    /// The name servers of the host.
    func nameServers(_ lines: String) {
        let fd = open(folder.file("resolv.conf"), O_WRONLY | O_TRUNC)
        _ = writeAll(Array(lines.utf8), to: fd)
        close(fd)
    }

    /// An agent on this host, with a controller at ``controller``.
    func agent() throws -> Agent {
        let bind = ["hosts", "resolv.conf"].map { "mount --bind \(folder.file($0)) /etc/\($0)" }
        return try Agent(
            ["--names-every", "0.2"],
            within: Self.inside(names.host) + [
                "/usr/bin/unshare", "--mount", "/bin/sh", "-c",
                (bind + ["SSH_CONNECTION='\(Self.controller) 50000 \(Self.host) 22' exec \"$@\""])
                    .joined(separator: " && "), "sh",
            ])
    }

    /// Brings the attacker's program into the agent's home.
    func arm(_ agent: Agent) throws {
        try writeFile(agent.home + "/attack.py", Array(Self.attacks.utf8), mode: 0o644)
    }

    /// A network as the gateway orders it.
    static func order(_ policy: NetworkPolicy, denied: [String] = []) -> NetworkOrder {
        NetworkOrder(
            policy: policy, denied: [database, database6] + denied, range: "10.231.0.0/16",
            range6: "fd00:6d77:7e11::/64")
    }

    /// Only these.
    static func only(_ targets: String...) -> NetworkOrder { order(.allow(targets.compactMap { NetworkTarget($0) })) }
}

extension Agent {
    /// Starts a command with a network as the user alice.
    func start(
        _ command: String, network: NetworkOrder?, on number: DisplayNumber, session: UInt64 = 7
    ) throws -> HostReply {
        var order = try order(command, on: number, session: session, geometry: .usual)
        order.network = network
        return try ask(.startApplication(order))
    }

    /// What every attempt gave, by its word.
    func attack(
        _ words: [String], network: NetworkOrder?, on number: DisplayNumber, session: UInt64 = 7
    ) throws -> [String: String] {
        let reply = try start(
            "/usr/bin/python3 ~/attack.py \(words.joined(separator: " "))", network: network, on: number,
            session: session)
        guard reply == .applicationStarted else { throw TestServerError("\(reply)") }
        _ = try exit()
        return results(session)
    }

    /// The attempts' results so far.
    func results(_ session: UInt64 = 7) -> [String: String] { NetworkField.results(in: file("\(session)/app.log")) }
}

/// A host with a network of its own and the outside, for `body` alone; nothing of it is left afterwards.
func withNetwork(_ body: (NetworkField, Agent) throws -> Void) throws {
    let field = try NetworkField()
    defer { field.tearDown() }
    let agent = try field.agent()
    defer { agent.tearDown() }
    try field.arm(agent)
    try body(field, agent)
}
