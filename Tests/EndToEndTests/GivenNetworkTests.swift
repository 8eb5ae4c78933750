import Foundation
import Testing

/// A network besides the gateway's, to which both hosts have a way: a machine that applications work with, one that is
/// denied to all, and one at each address of the hosts' cables, so that from either host there is a way to all four and
/// nothing but the rules is in it.
private struct World {
    /// What an application may be given.
    static let hub = "198.18.9.10"
    /// What `network.denied` keeps from everybody.
    static let metadata = "169.254.169.254"

    /// The words that execute something in it.
    let inside: [String]

    /// There for as long as `body` runs.
    static func with(_ body: (World) throws -> Void) throws {
        let names = [try Gateway.recorded("hash"), try Gateway.recorded("network")]
        let make = """
            world=mwq-$1-world
            ip netns add "$world"
            ip -n "$world" link set lo up
            for address in \(hub) \(metadata) "$2.5" "$2.6" "$2.9" "$2.10"; do
                ip -n "$world" address add "$address/32" dev lo
            done
            for number in 1 2; do
                host=mwq-$1-exec$number
                ip -n "$host" link add world type veth peer name "exec$number" netns "$world"
                ip -n "$world" address add "198.18.$number.1/24" dev "exec$number"
                ip -n "$world" link set "exec$number" up
                ip -n "$host" address add "198.18.$number.2/24" dev world
                ip -n "$host" link set world up
                for address in \(hub) \(metadata) "$2.$((13 - 4 * number))" "$2.$((14 - 4 * number))"; do
                    ip -n "$host" route add "$address/32" via "198.18.$number.1"
                done
            done
            """
        let unmake = """
            for number in 1 2; do ip -n "mwq-$1-exec$number" link delete world; done
            ip netns delete "mwq-$1-world"
            """
        defer { _ = try? Gateway.run(["sh", "-c", unmake, "sh"] + names) }
        let made = try Gateway.run(["sh", "-ec", make, "sh"] + names)
        guard made.status == 0 else { throw Missing(description: "the world: \(made.output)") }
        try body(World(inside: ["nsenter", "--net=/run/netns/mwq-\(names[0])-world"]))
    }
}

/// A session of bob's whose application listens, over TCP and UDP, and writes down what comes.
private struct ListeningSession {
    let number: String
    let host: String
    /// The address of its container.
    let address: String

    /// Returns when the application of session `number` listens at `port`.
    private init(_ number: String, port: Int) throws {
        self.number = number
        let row = try Gateway.sql("SELECT hostname, dispnum FROM mw_display WHERE sessnum = \(number)").joined()
            .split(separator: "\t").map(String.init)
        guard row.count == 2, let display = Int(row[1]) else { throw Missing(description: "\(number) has no display") }
        let host = row[0]
        self.host = host
        // The first address of network.range is the host's end of every cable.
        address = "10.231.\((display + 1) / 256).\((display + 1) % 256)"
        let place = ":" + String(port, radix: 16, uppercase: true) + " 00000000:0000 "
        try Gateway.eventually("session \(number) listens") {
            try Gateway.hostParts().contains { process in
                guard process.part == .application, process.host == host, process.display == display else {
                    return false
                }
                // proc(5), net/tcp: 0A is LISTEN; 07 is a socket of UDP that is connected to nobody.
                return [("tcp", "0A"), ("udp", "07")].allSatisfy { table, state in
                    let text = try? String(contentsOfFile: "/proc/\(process.id)/net/\(table)", encoding: .utf8)
                    return text?.contains(place + state) == true
                }
            }
        }
    }

    /// One on each host, with a network that is open, for as long as `body` runs.
    static func onEachHost(port: Int, _ body: ([ListeningSession]) throws -> Void) throws {
        let command = "socat -u TCP4-LISTEN:\(port),fork /dev/null & exec socat -u UDP4-RECVFROM:\(port),fork STDOUT"
        var numbers: [String] = []
        defer { for number in numbers { _ = try? Gateway.maxwell("stop", number) } }
        try Gateway.withApplication("listener", "network: open", command: command) {
            var sessions: [ListeningSession] = []
            while Set(sessions.map(\.host)) != ["exec1", "exec2"] {
                guard numbers.count < 8 else { throw Missing(description: "sessions come to one host alone") }
                let number = try Gateway.start(user: "bob", app: "listener")
                numbers.append(number)
                sessions.append(try ListeningSession(number, port: port))
            }
            try body(sessions)
        }
    }

    /// Whether anything came to it.
    func heard() throws -> Bool {
        let log = try Attack.home(of: "bob").appendingPathComponent("data/sessions/\(number)/app.log")
        return try String(contentsOf: log, encoding: .utf8).contains("attack")
    }
}

extension EndToEnd {
    /// What an application is given.
    enum GivenNetwork: String, CaseIterable {
        /// Everything but what is denied.
        case open
        /// One port of the hub, over TCP.
        case allow
    }

    @Test(
        "an application with a network reaches what it was given: not the next port, the gateway, a host or a session",
        arguments: GivenNetwork.allCases)
    func attackGivenNetwork(given: GivenNetwork) throws {
        let port = 20_000 + Int.random(in: 0..<10_000)
        let (hash, network) = (try Gateway.recorded("hash"), try Gateway.recorded("network"))
        let directory = try #require(Int(try Gateway.recorded("ldaps_port")))
        let gateway = try Gateway.port
        try World.with { world in
            var listeners: [Listener] = []
            defer { for listener in listeners { listener.stop() } }
            for port in [port, port + 1] { listeners.append(try Listener(World.hub, port: port, in: world.inside)) }
            let hub = listeners
            listeners.append(try Listener(World.metadata, port: 80, in: world.inside))
            let cables = try hostAddresses()
            for address in cables { listeners.append(try Listener(address, port: port, in: world.inside)) }
            for (host, first) in [("exec1", 5), ("exec2", 9)] {
                listeners.append(try Listener("\(network).\(first)", port: port))
                // The host's own addresses, its end of the sessions' cables among them.
                let inside = ["nsenter", "--net=/run/netns/mwq-\(hash)-\(host)"]
                listeners.append(try Listener("0.0.0.0", port: port, in: inside))
            }
            try ListeningSession.onEachHost(port: port) { sessions in
                var places: [(String, Int)] = hub.map { ($0.address, $0.port) } + sessions.map { ($0.address, port) }
                places += [(World.metadata, 80), ("10.231.0.1", port), ("127.0.0.1", directory)]
                // The relay listens on every address of the machine, the directory on its loopback, sshd on the host's.
                for address in cables { places += [port, 22, directory, gateway].map { (address, $0) } }
                let policy = given == .open ? "open" : "{allow: [\"\(World.hub):\(port)\"]}"
                let facts: [String: Any] = ["places": places.map { [$0.0, $0.1] as [Any] }, "names": [String]()]
                let told = try Attack(name: "network", facts: facts, yaml: "network: \(policy)")
                    .run(within: .seconds(240))
                #expect(told["interfaces"].texts.sorted() == ["eth0", "lo"])
                expectNoOtherProtocol(told)
                let connected = told.told.object.filter { $0.key.hasPrefix("tcp ") && $0.value.text == "connected" }
                let reached = given == .open ? [port, port + 1] : [port]
                #expect(Set(connected.keys) == Set(reached.map { "tcp \(World.hub) \($0)" }))
                if given == .open {
                    try Gateway.eventually("the hub has heard it") { hub.allSatisfy { $0.received == "attack\n" } }
                }
                for listener in listeners where given == .allow || listener.address != World.hub {
                    #expect(listener.received == "", "\(listener.address) port \(listener.port)")
                }
                for session in sessions { #expect(try !session.heard(), "\(session.address)") }
            }
        }
    }
}
