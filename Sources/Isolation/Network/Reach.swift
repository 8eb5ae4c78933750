import HostProtocol
import SessionModel

/// Where a container may connect to, in addresses.
enum Reach: Equatable {
    /// An address and port that it may.
    struct Grant: Hashable {
        let address: IPNetwork
        let port: Int
        let transport: NetworkTarget.Transport
    }

    case only([Grant])
    case everythingBut([IPNetwork])

    /// Networks in which nothing of the world is: this machine, neighbours, groups, and what stands for IPv4 in IPv6
    /// and would be a way around what is denied (RFC 6890; 6to4, RFC 7526).
    static let senseless = [
        "0.0.0.0/8", "127.0.0.0/8", "224.0.0.0/3", "::/96", "fe80::/10", "ff00::/8", "2002::/16",
    ].compactMap { IPNetwork($0) }

    /// Where clouds tell a machine what it is, its keys included: the link's own addresses; AWS, Google, Oracle, Scaleway,
    /// Linode and Alibaba in IPv6; Azure, Alibaba and Oracle in IPv4.
    static let metadata = [
        "169.254.0.0/16", "fd00:ec2::/32", "fd20:ce::254", "fd00:c1::a9fe:a9fe", "fd00:42::42", "fd00:a9fe:a9fe::1",
        "fd00:100::100:200", "168.63.129.16", "100.100.100.200", "192.0.0.192",
    ].compactMap { IPNetwork($0) }

    /// Addresses of one name that are used, and names and addresses that an application may have.
    static let mostAddresses = 16
    static let mostTargets = 64

    /// What `order` lets a container of this host reach, with `names` resolved; `own` are the host's addresses.
    init(_ order: NetworkOrder, names: [String: [IPNetwork]], own: [IPNetwork]) throws(HostFailure) {
        let denied = try Self.denied(order, own: own)
        switch order.policy {
        case .none: self = .only([])
        case .open: self = .everythingBut(denied)
        case .allow(let targets):
            guard targets.count <= Self.mostTargets else {
                throw HostFailure(.refused, "more than \(Self.mostTargets) names and addresses to reach")
            }
            var grants: [Grant] = []
            for target in targets {
                let addresses = IPNetwork(target.host).map { [$0] } ?? names[target.host] ?? []
                for address in addresses.prefix(Self.mostAddresses)
                where !denied.contains(where: { $0.contains(address) }) {
                    let grant = Grant(address: address, port: target.port, transport: target.transport)
                    if !grants.contains(grant) { grants.append(grant) }
                }
            }
            self = .only(grants)
        }
    }

    /// What nobody reaches, no two of it overlapping.
    static func denied(_ order: NetworkOrder, own: [IPNetwork]) throws(HostFailure) -> [IPNetwork] {
        var denied = senseless + metadata + own
        for text in order.denied + [order.range, order.range6] {
            guard let network = IPNetwork(text) else {
                throw HostFailure(.refused, "a denied network that is none: \(text.prefix(50))")
            }
            denied.append(network)
        }
        // An IPv4 address by way of a translator (RFC 6052 §2.1).
        let translator = UInt128(0x64_FF9B) << 96
        denied += denied.filter { !$0.isSix }.map {
            IPNetwork(isSix: true, address: translator | $0.first, bits: 96 + $0.bits)
        }
        return IPNetwork.disjoint(denied)
    }

    /// The names in `policy` that have to be resolved, each once.
    static func names(in policy: NetworkPolicy) -> [String] {
        guard case .allow(let targets) = policy else { return [] }
        var names: [String] = []
        for target in targets.prefix(mostTargets) where IPNetwork(target.host) == nil && !names.contains(target.host) {
            names.append(target.host)
        }
        return names
    }
}
