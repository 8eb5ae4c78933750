import HostProtocol
import SessionModel

/// The cable between a host and a display's container: a pair of virtual Ethernet devices (veth(4)) that nobody else
/// is on.
///
/// All hosts' ends have the same address, the first of the order's range; a container has the one of its display's number.
/// Both ends know each other's Ethernet address, so that neither asks for it: no ARP, and of ICMPv6 nothing, has to pass.
struct Cable: Equatable, Sendable {
    /// The container's name of its end.
    static let inner = "eth0"
    private static let hostMAC = "02:00:00:00:00:01"
    private static let containerMAC = "02:00:00:00:00:02"

    /// The host's name of its end.
    let name: String
    let host: IPNetwork
    let container: IPNetwork
    let host6: IPNetwork
    let container6: IPNetwork

    /// The host's name of the end of `display`.
    static func name(of display: DisplayNumber) -> String { "mw\(display)" }

    /// Whether a device of this name is a cable of ours.
    static func isName(_ name: String) -> Bool {
        name.hasPrefix("mw") && name.utf8.count > 2 && name.utf8.dropFirst(2).allSatisfy { (48...57).contains($0) }
    }

    /// The cable of `display` with addresses of the order's ranges.
    init(_ display: DisplayNumber, _ order: NetworkOrder) throws(HostFailure) {
        guard let range = IPNetwork(order.range), !range.isSix, let range6 = IPNetwork(order.range6), range6.isSix
        else {
            throw HostFailure(.refused, "the network's ranges are none")
        }
        guard let host = range.address(1), let container = range.address(1 + display.value),
            let host6 = range6.address(1), let container6 = range6.address(1 + display.value)
        else { throw HostFailure(.refused, "\(range) or \(range6) has no address for display \(display)") }
        name = Self.name(of: display)
        self.host = host
        self.container = container
        self.host6 = host6
        self.container6 = container6
    }

    /// What ip(8) does in the host's network, `-batch`: the cable into the container of `process`, and its end here.
    func hostBatch(process: Int32, six: Bool) -> String {
        var lines = [
            "link add name \(name) address \(Self.hostMAC) type veth peer name \(Self.inner) "
                + "address \(Self.containerMAC) netns /proc/\(process)/ns/net"
        ]
        lines += end(of: name, own: host, peer: container, own6: host6, peer6: container6, mac: Self.containerMAC, six)
        return lines.joined(separator: "\n") + "\n"
    }

    /// What ip(8) does in the container's network, `-batch`: from here on the cable carries.
    func containerBatch(six: Bool) -> String {
        var lines = end(
            of: Self.inner, own: container, peer: host, own6: container6, peer6: host6, mac: Self.hostMAC, six)
        // On link by our word: the kernel finds out a moment later that the device is up, and only then where `host6` is.
        lines.append("route add 0.0.0.0/0 via \(host) dev \(Self.inner) onlink")
        if six { lines.append("route add ::/0 via \(host6) dev \(Self.inner) onlink") }
        return lines.joined(separator: "\n") + "\n"
    }

    private func end(
        of device: String, own: IPNetwork, peer: IPNetwork, own6: IPNetwork, peer6: IPNetwork, mac: String, _ six: Bool
    ) -> [String] {
        // Without an address of its own making (fe80::) IPv6 has only ours.
        var lines = ["link set dev \(device) addrgenmode none", "link set dev \(device) up"]
        for (own, peer) in six ? [(own, peer), (own6, peer6)] : [(own, peer)] {
            lines.append("address add \(own) peer \(peer)/\(peer.bits) dev \(device)" + (own.isSix ? " nodad" : ""))
            lines.append("neighbour add \(peer) lladdr \(mac) dev \(device) nud permanent")
        }
        return lines
    }
}
