import CLinux
import Glibc
import HostProtocol
import SessionModel

/// The network of one session: made, refreshed and taken away in children of the keeper, because programs are run and
/// names looked up for it.
struct SessionNetwork: Sendable {
    /// What a child reports.
    struct Report: Codable {
        /// The addresses of the names, as ``IPNetwork`` writes them.
        var names: [String: [String]] = [:]
        var files = ContainerNames()
        /// What is allowed and yet not reached: it has no address, or only denied ones.
        var lacking: [String] = []
        var failure: HostFailure?
    }

    /// Seconds a start waits for names, and a refresh, that keeps nobody waiting.
    private static let patience = 2.0
    private static let refreshPatience = 10.0

    let run: RunFolder
    let display: DisplayNumber
    let order: NetworkOrder
    /// The container's first process.
    let process: Int32
    /// Xvnc's uid.
    let displayUser: UInt32

    /// Plugs the container in: the rules first, in both networks, then the cable.
    func make() throws(HostFailure) -> Report {
        let cable = try Cable(display, order)
        let own = HostAddresses.own
        // Refused before anything is looked up or made.
        _ = try Reach(order, names: [:], own: own)
        let names = NameLookup.addresses(of: Reach.names(in: order.policy), within: Self.patience)
        let rules = rules(cable, try Reach(order, names: names, own: own))
        let files = try files(names, own: own)
        let space = open("/proc/\(process)/ns/net", O_RDONLY | O_CLOEXEC)
        guard space >= 0 else { throw failure("open the container's network") }
        defer { close(space) }
        let six = HostForwarding.hasSix
        // Three programs at the same time, then the one that makes the cable carry.
        let inside = try NetworkProgram(["nft", "-f", "-"], input: rules.container, in: space)
        try makeHostPart(cable, rules, six: six)
        do throws(HostFailure) { try inside.finish() } catch {
            try NetworkProgram(["nft", "-f", "-"], input: rules.containerAnew, in: space).finish()
        }
        try NetworkProgram(["ip", "-batch", "-"], input: cable.containerBatch(six: six), in: space).finish()
        return Report(
            names: names.mapValues { $0.map(\.description) }, files: files, lacking: try lacking(names, own: own))
    }

    private func rules(_ cable: Cable, _ reach: Reach) -> NetworkRules {
        NetworkRules(cable: cable, reach: reach, displayUser: displayUser)
    }

    private func lacking(_ names: [String: [IPNetwork]], own: [IPNetwork]) throws(HostFailure) -> [String] {
        guard case .allow(let targets) = order.policy else { return [] }
        var lacking: [String] = []
        for target in targets {
            var alone = order
            alone.policy = .allow([target])
            if try Reach(alone, names: names, own: own) == .only([]) { lacking.append(target.description) }
        }
        return lacking
    }

    private func makeHostPart(_ cable: Cable, _ rules: NetworkRules, six: Bool) throws(HostFailure) {
        let note = try Self.lock(run)
        defer { close(note) }
        let forwarding = HostForwarding(note: note)
        try forwarding.begin(six: six)
        let filter = try NetworkProgram(["nft", "-f", "-"], input: rules.host(ours: forwarding.ours))
        let batch = cable.hostBatch(process: process, six: six)
        try NetworkProgram(["ip", "-batch", "-"], input: batch).finish()
        try filter.finish()
    }

    /// Looks names and the host's addresses up again: the rules follow, and the container's hosts(5). A name without an answer
    /// keeps the addresses it has in `known`.
    func refresh(_ known: [String: [String]]) throws(HostFailure) -> Report {
        let cable = try Cable(display, order)
        let own = HostAddresses.own
        let found = NameLookup.addresses(of: Reach.names(in: order.policy), within: Self.refreshPatience)
        let names = known.mapValues { $0.compactMap { IPNetwork($0) } }.merging(found) { $1 }
        let rules = rules(cable, try Reach(order, names: names, own: own))
        let files = try files(names, own: own)
        let space = open("/proc/\(process)/ns/net", O_RDONLY | O_CLOEXEC)
        guard space >= 0 else { throw failure("open the container's network") }
        defer { close(space) }
        let note = try Self.lock(run)
        defer { close(note) }
        let inside = try NetworkProgram(["nft", "-f", "-"], input: rules.containerRefresh, in: space)
        let outside = try NetworkProgram(["nft", "-f", "-"], input: rules.hostRefresh)
        do throws(HostFailure) { try outside.finish() } catch {
            // Somebody has flushed the host's rules: all of ours are made anew.
            let ours = HostForwarding(note: note).ours
            try NetworkProgram(["nft", "-f", "-"], input: rules.host(ours: ours)).finish()
        }
        try inside.finish()
        try rewriteHosts(files)
        return Report(names: names.mapValues { $0.map(\.description) }, files: files)
    }

    /// Takes the cable of `display` away, and what the host has for it; with the last cable, all of it.
    static func remove(_ display: DisplayNumber, _ run: RunFolder) throws(HostFailure) {
        let note = try lock(run)
        defer { close(note) }
        let name = Cable.name(of: display)
        let isLast = HostAddresses.cables.allSatisfy { $0 == name }
        if if_nametoindex(name) != 0 {
            let program = try NetworkProgram(["ip", "link", "delete", "dev", name])
            // It goes by itself with the container's network.
            do throws(HostFailure) { try program.finish() } catch { if if_nametoindex(name) != 0 { throw error } }
        }
        let script = isLast ? NetworkRules.wholeRemoval : NetworkRules.removal(of: display)
        try NetworkProgram(["nft", "-f", "-"], input: script).finish()
        if isLast { HostForwarding(note: note).end() }
    }

    private func files(_ names: [String: [IPNetwork]], own: [IPNetwork]) throws(HostFailure) -> ContainerNames {
        switch order.policy {
        case .none: ContainerNames()
        case .allow: ContainerNames(hosts: ContainerNames.lines(names, of: order.policy))
        case .open: ContainerNames(resolver: ContainerNames.hostResolver(denied: try Reach.denied(order, own: own)))
        }
    }

    /// Writes the container's hosts(5) over: the file stays the same one, wherever else it is bound to, and is never empty.
    private func rewriteHosts(_ files: ContainerNames) throws(HostFailure) {
        let space = open("/proc/\(process)/ns/mnt", O_RDONLY | O_CLOEXEC)
        guard space >= 0, clinux_setns(space, clinux_clone_newns) == 0 else { throw failure("the container's mounts") }
        guard let before = text(of: "/etc/hosts"), let first = before.split(separator: "\n").first,
            let name = first.split(separator: " ").last
        else { return }
        let after = files.hostsFile(name: String(name))
        guard after != before else { return }
        let file = open("/etc/hosts", O_WRONLY | O_NOFOLLOW | O_CLOEXEC)
        guard file >= 0 else { throw failure("open /etc/hosts") }
        defer { close(file) }
        let bytes = Array(after.utf8)
        guard pwrite(file, bytes, bytes.count, 0) == bytes.count, ftruncate(file, off_t(bytes.count)) == 0 else {
            throw failure("write /etc/hosts")
        }
    }

    /// Whoever has it changes the host's rules and cables; waits for those before.
    private static func lock(_ run: RunFolder) throws(HostFailure) -> Int32 {
        let note = open(run.path + "/locks/network", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard note >= 0 else { throw failure("open \(run.path)/locks/network") }
        while flock(note, LOCK_EX) != 0 {
            guard errno == EINTR else {
                let failed = failure("flock")
                close(note)
                throw failed
            }
        }
        return note
    }
}
