import ControlSocket
import Glibc
import SettingsFile

/// The addresses of the gateway's own parts, which an application with an open network does not reach: database, directory,
/// this machine and the execution hosts.
actor OwnAddresses {
    /// What a name's last answer was, and when it was asked for last.
    private struct Known {
        var addresses: [String]
        var asked: ContinuousClock.Instant
    }

    private let names: [String]
    private let interval: Duration
    private let lookUp: @Sendable (String) -> [String]
    private var known: [String: Known] = [:]

    /// Those of what `settings` name; one that is known is asked for again after `interval`. `lookUp` blocks, and answers
    /// nothing where there is no address.
    init(
        _ settings: Settings, interval: Duration = .seconds(60),
        lookUp: @escaping @Sendable (String) -> [String] = { OwnAddresses.addresses(of: $0) }
    ) {
        names = Self.names(settings)
        self.interval = interval
        self.lookUp = lookUp
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

    /// All of them now, with those of the hosts, given by name or address. A name that nobody knows any more keeps the
    /// addresses it had; one that never had any throws, because what it stands for could not be denied, and is asked for
    /// again the next time.
    func all(hosts: [String]) async throws(SessionError) -> [String] {
        var addresses = Self.ofThisMachine()
        for name in names + hosts { addresses += try await current(name) }
        return Set(addresses).sorted()
    }

    private func current(_ name: String) async throws(SessionError) -> [String] {
        if let known = known[name], known.asked.duration(to: .now) < interval { return known.addresses }
        let answer = await resolve(name)
        if !answer.isEmpty { known[name] = Known(addresses: answer, asked: .now) }
        guard let addresses = known[name]?.addresses else { throw .ownAddressUnknown(name) }
        known[name]?.asked = .now
        return addresses
    }

    private func resolve(_ name: String) async -> [String] {
        let lookUp = lookUp
        return await withCheckedContinuation { continuation in
            do throws(ThreadError) {
                try detachThread { continuation.resume(returning: lookUp(name)) }
            } catch {
                continuation.resume(returning: [])
            }
        }
    }

    /// Those of a machine's name or address (getaddrinfo(3)); none where there is no answer.
    static func addresses(of name: String) -> [String] {
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
