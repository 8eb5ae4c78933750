import Glibc

/// An IPv4 or IPv6 network; one of all its bits is an address.
struct IPNetwork: Hashable, Sendable {
    let isSix: Bool
    /// Its first address.
    let first: UInt128
    /// The bits that all its addresses have in common.
    let bits: Int

    /// The network of the first `bits` of `address`.
    init(isSix: Bool, address: UInt128, bits: Int) {
        let free = UInt128((isSix ? 128 : 32) - bits)
        self.isSix = isSix
        self.bits = bits
        first = (address >> free) << free
    }

    /// Reads `10.0.0.5`, `169.254.0.0/16` or `fe80::/10`; an IPv6 address that stands for one of IPv4
    /// (`::ffff:10.0.0.5`, RFC 4291 §2.5.5.2) is that one.
    init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count) else { return nil }
        let word = String(parts[0])
        var four = in_addr()
        var six = in6_addr()
        let isSix: Bool
        let address: UInt128
        if inet_pton(AF_INET, word, &four) == 1 {
            isSix = false
            address = UInt128(UInt32(bigEndian: four.s_addr))
        } else if inet_pton(AF_INET6, word, &six) == 1 {
            isSix = true
            address = withUnsafeBytes(of: six) { $0.reduce(0) { ($0 << 8) | UInt128($1) } }
        } else {
            return nil
        }
        var bits = isSix ? 128 : 32
        if parts.count == 2 {
            guard !parts[1].isEmpty, parts[1].utf8.count <= 3, parts[1].utf8.allSatisfy({ (48...57).contains($0) }),
                let given = Int(parts[1]), given <= bits
            else { return nil }
            bits = given
        }
        if isSix, bits >= 96, address >> 32 == 0xFFFF {
            self.init(isSix: false, address: address & 0xFFFF_FFFF, bits: bits - 96)
        } else {
            self.init(isSix: isSix, address: address, bits: bits)
        }
    }

    /// Whether it is one address.
    var isAddress: Bool { bits == (isSix ? 128 : 32) }

    /// Whether all of `other` is in it.
    func contains(_ other: IPNetwork) -> Bool {
        other.isSix == isSix && other.bits >= bits
            && IPNetwork(isSix: isSix, address: other.first, bits: bits).first == first
    }

    /// Its address `index`, counted from 0; nil when it has no such one, or only as the last, which is a broadcast in
    /// IPv4.
    func address(_ index: Int) -> IPNetwork? {
        let free = (isSix ? 128 : 32) - bits
        guard index >= 0, free >= 64 || UInt128(index) < (UInt128(1) << UInt128(free)) - 1 else { return nil }
        return IPNetwork(isSix: isSix, address: first + UInt128(index), bits: isSix ? 128 : 32)
    }

    /// `networks` without those that lie in another one, so that no two overlap.
    static func disjoint(_ networks: [IPNetwork]) -> [IPNetwork] {
        var kept: [IPNetwork] = []
        for network in networks.sorted(by: { $0.bits < $1.bits }) where !kept.contains(where: { $0.contains(network) })
        {
            kept.append(network)
        }
        return kept
    }
}

extension IPNetwork: CustomStringConvertible {
    /// As ``init(_:)`` reads it; an address has no bits behind it.
    var description: String {
        var words = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        if isSix {
            var address = in6_addr()
            withUnsafeMutableBytes(of: &address) {
                for place in 0..<16 { $0[place] = UInt8(truncatingIfNeeded: first >> UInt128(120 - 8 * place)) }
            }
            inet_ntop(AF_INET6, &address, &words, socklen_t(words.count))
        } else {
            var address = in_addr(s_addr: UInt32(truncatingIfNeeded: first).bigEndian)
            inet_ntop(AF_INET, &address, &words, socklen_t(words.count))
        }
        let text = words.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
        return String(decoding: text, as: UTF8.self) + (isAddress ? "" : "/\(bits)")
    }
}
