import Glibc

/// The addresses and devices of the calling process's network.
enum HostAddresses {
    /// Every IPv4 and IPv6 address, and the broadcast addresses of the networks they are in, getifaddrs(3).
    static var own: [IPNetwork] {
        var list: UnsafeMutablePointer<ifaddrs>?
        guard getifaddrs(&list) == 0 else { return [] }
        defer { freeifaddrs(list) }
        var found: [IPNetwork] = []
        var next = list
        while let entry = next?.pointee {
            next = entry.ifa_next
            guard let own = entry.ifa_addr.flatMap(address) else { continue }
            found.append(own)
            if !own.isSix, let mask = entry.ifa_netmask.flatMap(address), mask.first < 0xFFFF_FFFE {
                let everybody = own.first | (~mask.first & 0xFFFF_FFFF)
                found.append(IPNetwork(isSix: false, address: everybody, bits: 32))
            }
        }
        return found
    }

    private static func address(_ given: UnsafeMutablePointer<sockaddr>) -> IPNetwork? {
        switch Int32(given.pointee.sa_family) {
        case AF_INET:
            let four = given.withMemoryRebound(to: sockaddr_in.self, capacity: 1) { $0.pointee.sin_addr.s_addr }
            return IPNetwork(isSix: false, address: UInt128(UInt32(bigEndian: four)), bits: 32)
        case AF_INET6:
            let six = given.withMemoryRebound(to: sockaddr_in6.self, capacity: 1) { $0.pointee.sin6_addr }
            let value = withUnsafeBytes(of: six) { $0.reduce(UInt128(0)) { ($0 << 8) | UInt128($1) } }
            return IPNetwork(isSix: true, address: value, bits: 128)
        default: return nil
        }
    }

    /// The names of our cables that are there, if_nameindex(3).
    static var cables: [String] {
        guard let list = if_nameindex() else { return [] }
        defer { if_freenameindex(list) }
        var found: [String] = []
        var next = list
        while next.pointee.if_index != 0, let name = next.pointee.if_name {
            found.append(String(cString: name))
            next += 1
        }
        return found.filter(Cable.isName)
    }
}
