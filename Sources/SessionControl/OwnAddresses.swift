import ControlSocket
import Glibc
import SettingsFile

/// The addresses of the gateway's own parts, which an application with an open network does not reach: database, directory,
/// this machine and the execution hosts.
actor OwnAddresses {
    private let names: [String]
    private var found: [String: [String]] = [:]
    private var asked: [String: ContinuousClock.Instant] = [:]

    init(_ settings: Settings) {
        names = Self.names(settings)
    }

    /// The machines that the settings name.
    static func names(_ settings: Settings) -> [String] {
        var names = settings.ldap.uris.compactMap(Self.host(ofDirectory:))
        if let host = settings.database.host { names.append(host) }
        return names
    }

    /// The machine of a directory's address; nil: a Unix socket, or the server of this machine.
    static func host(ofDirectory uri: String) -> String? {
        guard let start = uri.firstRange(of: "://")?.upperBound, !uri.hasPrefix("ldapi:") else { return nil }
        let place = uri[start...].prefix { $0 != "/" }
        if place.hasPrefix("[") { return String(place.dropFirst().prefix { $0 != "]" }) }
        let host = place.prefix { $0 != ":" }
        return host.isEmpty ? nil : String(host)
    }

    /// All of them now, with those of the hosts, given by name or address. A name is asked for again after a minute; one that
    /// nobody knows any more keeps the addresses it had.
    func all(hosts: [String]) async -> [String] {
        var addresses = Self.ofThisMachine()
        for name in names + hosts {
            if asked[name].map({ $0.duration(to: .now) > .seconds(60) }) ?? true {
                let answer = await Self.resolve(name)
                asked[name] = .now
                if !answer.isEmpty { found[name] = answer }
            }
            addresses += found[name] ?? []
        }
        return Set(addresses).sorted()
    }

    private static func resolve(_ name: String) async -> [String] {
        await withCheckedContinuation { continuation in
            do throws(ThreadError) {
                try detachThread { continuation.resume(returning: lookUp(name)) }
            } catch {
                continuation.resume(returning: [])
            }
        }
    }

    private static func lookUp(_ name: String) -> [String] {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(name, nil, &hints, &list) == 0 else { return [] }
        defer { freeaddrinfo(list) }
        var addresses: [String] = []
        var next = list
        while let one = next {
            next = one.pointee.ai_next
            if let text = text(of: one.pointee.ai_addr, one.pointee.ai_addrlen) { addresses.append(text) }
        }
        return addresses
    }

    /// Those of this machine's interfaces (getifaddrs(3)).
    private static func ofThisMachine() -> [String] {
        var list: UnsafeMutablePointer<ifaddrs>?
        guard getifaddrs(&list) == 0 else { return [] }
        defer { freeifaddrs(list) }
        var addresses: [String] = []
        var next = list
        while let one = next {
            next = one.pointee.ifa_next
            guard let address = one.pointee.ifa_addr else { continue }
            let length: Int
            switch Int32(address.pointee.sa_family) {
            case AF_INET: length = MemoryLayout<sockaddr_in>.size
            case AF_INET6: length = MemoryLayout<sockaddr_in6>.size
            default: continue
            }
            if let text = text(of: address, socklen_t(length)) { addresses.append(text) }
        }
        return addresses
    }

    /// An address as it is written, without a zone.
    private static func text(of address: UnsafePointer<sockaddr>?, _ length: socklen_t) -> String? {
        var host = [CChar](repeating: 0, count: 128)
        guard let address, getnameinfo(address, length, &host, socklen_t(host.count), nil, 0, NI_NUMERICHOST) == 0
        else {
            return nil
        }
        let bytes = host.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
        return String(decoding: bytes.prefix { $0 != UInt8(ascii: "%") }, as: UTF8.self)
    }
}
