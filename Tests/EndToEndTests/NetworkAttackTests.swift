import Foundation
import Testing

extension EndToEnd {
    /// Runs `body` with listeners at the machine's and the hosts' addresses, on cable and loopback, and with the facts that an
    /// attack needs to find them.
    private func withListeners(_ body: ([Listener], [String: Any]) throws -> Void) throws {
        let hash = try Gateway.recorded("hash")
        let port = 20_000 + Int.random(in: 0..<10_000)
        let network = try Gateway.recorded("network")
        var listeners: [Listener] = []
        defer { for listener in listeners { listener.stop() } }
        // Each host's own end of its cable is the second address, the machine's the first.
        for (host, first) in [("exec1", 5), ("exec2", 9)] {
            let inside = ["nsenter", "--net=/run/netns/mwq-\(hash)-\(host)"]
            listeners.append(try Listener("\(network).\(first)", port: port))
            listeners.append(try Listener("\(network).\(first + 1)", port: port, in: inside))
            listeners.append(try Listener("127.0.0.1", port: port + 1, in: inside))
            if FileManager.default.fileExists(atPath: "/proc/net/if_inet6") {
                listeners.append(try Listener("::1", port: port + 2, in: inside))
            }
        }
        let places =
            listeners.map { [$0.address, $0.port] as [Any] }
            + (try hostAddresses()).map { [$0, 22] as [Any] }
            + [
                ["127.0.0.1", 22], ["169.254.169.254", 80], ["8.8.8.8", 53], ["2001:4860:4860::8888", 53],
                ["255.255.255.255", 9],
                ["224.0.0.1", 9], ["ff02::1", 9], ["127.0.0.1", try Gateway.port],
            ] as [[Any]]
        try body(listeners, ["places": places, "names": ["example.org", "exec1", "gateway.invalid"]])
    }

    @Test("an application without a network reaches nothing: no address, no protocol, no name")
    func attackNetwork() throws {
        try withListeners { listeners, facts in
            try Victim.with { _ in
                let told = try Attack(name: "network", facts: facts).run()
                #expect(told["interfaces"].texts == ["lo"])
                let refusals: Set = [
                    "ENETUNREACH", "ECONNREFUSED", "EPERM", "EACCES", "EADDRNOTAVAIL", "EAFNOSUPPORT",
                    "EPROTONOSUPPORT",
                    "ENODEV", "EINVAL", "gaierror",
                ]
                let reached = told.successes(besides: refusals)
                // To its own loopback a datagram goes, where nobody takes it.
                let elsewhere = reached.keys.filter { key in
                    !["udp 127.0.0.1", "udp ::1", "icmp 127.0.0.1", "icmp ::1"].contains { key.hasPrefix($0) }
                }
                #expect(elsewhere.isEmpty, "\(reached)")
                expectNoOtherProtocol(told)
                #expect(listeners.map(\.received).joined() == "")
            }
        }
    }

    /// No socket was made by which anything else is sent, and no interface was changed.
    func expectNoOtherProtocol(_ told: Told, sourceLocation: SourceLocation = #_sourceLocation) {
        for kind in ["raw", "raw icmp", "raw 6", "packet", "packet datagram", "netlink", "vsock"] {
            #expect(
                ["EPERM", "EAFNOSUPPORT"].contains(told[kind].text), "\(kind): \(told[kind])",
                sourceLocation: sourceLocation)
        }
    }
}
