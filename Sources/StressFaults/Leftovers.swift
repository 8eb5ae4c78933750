import ChildPrograms
import FoundationEssentials
import Glibc

/// Everything in a quick start that has a name, looked at before a run and after it: what is new is left over.
///
/// Displays that wait for a session come and go by themselves: whatever belongs to a display that the tables know is
/// none. `deploy/quickstart --names` has the mounts, links, cgroups, sockets, files, tables of rules and shared memory of
/// the gateway and its hosts; processes are found here, and the descriptors of those that stay.
public struct Leftovers: Sendable {
    private let quickStart: QuickStart
    private let before: [String: Int]
    private let descriptorsBefore: [String: Int]

    /// Looks at `quickStart` before a run.
    public init(of quickStart: QuickStart) throws(QuickStartError) {
        self.quickStart = quickStart
        before = Self.counted(try Self.names(in: quickStart))
        descriptorsBefore = Self.descriptors(in: quickStart)
    }

    /// What is there that was not there before, a line each, after what is just going had so many seconds to go.
    public func found(within patience: Double) throws(QuickStartError) -> [String] {
        let end = ContinuousClock.now + .seconds(patience)
        while true {
            let left =
                Self.new(try Self.names(in: quickStart), since: before)
                + Self.grown(Self.descriptors(in: quickStart), since: descriptorsBefore)
            guard !left.isEmpty, ContinuousClock.now < end else { return left }
            usleep(500_000)
        }
    }

    /// Those of `names` that are there more often than before.
    static func new(_ names: [String], since before: [String: Int]) -> [String] {
        counted(names).filter { $0.value > before[$0.key, default: 0] }
            .map { $0.value == 1 ? $0.key : "\($0.key) (\($0.value) instead of \(before[$0.key, default: 0]))" }
            .sorted()
    }

    /// Descriptors that a process may have more than before: connections to the database and to hosts come and go.
    static let spareDescriptors = 16

    /// Those of `descriptors`, by the process that has them, that are more than before; one that is new has no before.
    static func grown(_ descriptors: [String: Int], since before: [String: Int]) -> [String] {
        descriptors.sorted { $0.key < $1.key }.compactMap { name, count in
            guard let then = before[name], count > then + spareDescriptors else { return nil }
            return "\(name): \(count) descriptors instead of \(then)"
        }
    }

    /// How many descriptors the controller, the relay, the web process and the hosts' agents have: as the newest of a name
    /// does, without those that cannot be looked at, and without the one that an agent has for each of its keepers.
    private static func descriptors(in quickStart: QuickStart) -> [String: Int] {
        let processes = quickStart.processes()
        let agents = processes.filter { $0.part == .agent }.map { agent in
            let keepers = processes.count { $0.part == .keeper && $0.host == agent.host }
            return (name: "agent of \(agent.host)", id: agent.id, expected: keepers)
        }
        let daemons = quickStart.daemons().filter { $0.name.hasPrefix("maxwell") }
            .map { (name: $0.name, id: $0.id, expected: 0) }
        let counts = (daemons + agents).compactMap { name, id, expected -> (String, Int)? in
            let count = StressFaults.names(in: "/proc/\(id)/fd").count
            return count > 0 ? (name, count - expected) : nil
        }
        return Dictionary(counts) { _, later in later }
    }

    static func counted(_ names: [String]) -> [String: Int] {
        Dictionary(names.map { ($0, 1) }, uniquingKeysWith: +)
    }

    /// The names there are, without those of displays that the tables know.
    private static func names(in quickStart: QuickStart) throws(QuickStartError) -> [String] {
        // In this order: what is made meanwhile is known, what ends meanwhile is no more seen.
        let things = ChildProgram.run([quickStart.command, "--names"], within: 60)
        guard things.status == 0 else { throw .refused("quickstart --names", said: things.output) }
        let processes =
            quickStart.processes().map(\.leftoverName) + quickStart.daemons().map { "services: process \($0.name)" }
        let known = Set(try quickStart.sql("SELECT CONCAT(hostname, ' ', dispnum) FROM mw_display").compactMap(\.first))
        return (things.output.split(separator: "\n").map(String.init) + processes).filter { name in
            // The folder of homes' figures is made by the first, and stays; figures in it are told.
            !name.hasSuffix("/run/maxwell/usage") && display(of: name).map { !known.contains($0) } ?? true
        }
    }

    /// The display that a name belongs to, "exec1 7"; nil for what belongs to none. The host is the name's first word;
    /// the number follows "display-", "displays/" or "display ".
    static func display(of name: String) -> String? {
        guard let host = name.split(separator: ":").first, QuickStart.hosts.contains(String(host)) else { return nil }
        for mark in ["display-", "displays/", "display "] {
            guard let place = name.firstRange(of: mark) else { continue }
            let digits = name[place.upperBound...].prefix { $0.isASCII && $0.isNumber }
            if !digits.isEmpty { return "\(host) \(digits)" }
        }
        return nil
    }
}

extension QuickStart.HostProcess {
    /// What a process is called that is left over: never by its number.
    var leftoverName: String {
        "\(host): " + (display.map { "display \($0): " } ?? "") + "process \(part?.rawValue ?? name)"
    }
}
