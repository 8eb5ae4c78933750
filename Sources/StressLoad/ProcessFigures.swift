import Glibc
import Stress

/// What proc(5) says of the gateway's processes on this machine, part by part.
struct ProcessFigures {
    /// Of a part with more processes than this so many are looked at for memory and descriptors, others each time: to look at
    /// one costs the kernel a walk through its pages. The rest counts as when it was looked at last or, before, as the mean.
    static let most = 16
    /// Seconds between two looks for memory and descriptors; a process that is new is looked at at once.
    static let pause = 5.0

    private struct Known {
        /// When it began, in ticks: with its number that is one process and no other.
        let began: String
        /// proc(5), comm: it becomes another program by execve(2).
        var name: String
        var part: String?
        var ticks: Double
        /// Ticks that it used as part of something else.
        var before = 0.0
        /// KiB and descriptors; nil: it was not looked at for them yet, or is not shown to us.
        var memory: Int?
        var descriptors: Int?

        /// Ticks that it used as part of what it is.
        var used: Double { ticks - before }
    }

    /// Processes of others, and those of parts with more processes than ``crowd``, are looked at every so many looks, a share
    /// of them each time: a host with five hundred sessions has thousands, and their processor time is no burst of one look.
    static let rare = 10
    static let crowd = 64

    private var known: [pid_t: Known] = [:]
    private var crowded: Set<String> = []
    /// Ticks of processes that ended, by part.
    private var ended: [String: Double] = [:]
    private var looks = 0
    private var measured = -Double.infinity
    private let ticksPerSecond = Double(sysconf(Int32(_SC_CLK_TCK)))
    /// The control group all of a gateway is in; nil: it has none of its own, and every process of ours counts.
    private let group: String?

    /// The processes of the gateway that `controller` is the controller of; nil: every one of the machine.
    init(controller: pid_t?) {
        group = controller.flatMap { Self.gatewayGroup(Self.contents("/proc/\($0)/cgroup")) }
    }

    /// Looks at every process, for its memory too where that is due or `isLast`.
    mutating func look(isLast: Bool = false) -> [String: Sample.Part] {
        let now = MonotonicClock.seconds
        // A pause is some looks, which come a little late or a little early.
        let measures = isLast || now - measured > Self.pause - 0.1
        if measures { measured = now }
        var alive: [String: [pid_t]] = [:]
        var seen: Set<pid_t> = []
        for process in Self.processes() {
            let isSpared = (looks + Int(process)) % Self.rare > 0
            if isSpared, let known = known[process], known.part.map({ crowded.contains($0) }) ?? true {
                seen.insert(process)
                if let part = known.part { alive[part, default: []].append(process) }
                continue
            }
            guard let status = Self.status(process) else { continue }
            if known[process]?.began != status.began {
                forget(process)
                known[process] = Known(
                    began: status.began, name: status.name, part: part(of: process), ticks: status.ticks)
            } else if !isSpared || known[process]?.name != status.name {
                // Most programs have a name of their own; one that has that of what it was is found out later.
                become(part(of: process), status.name, process)
            }
            known[process]?.ticks = status.ticks
            seen.insert(process)
            if let part = known[process]?.part { alive[part, default: []].append(process) }
        }
        for process in known.keys where !seen.contains(process) { forget(process) }
        looks += 1
        crowded = Set(alive.filter { $0.value.count > Self.crowd }.keys)
        var parts: [String: Sample.Part] = [:]
        for name in Set(alive.keys).union(ended.keys) {
            let processes = (alive[name] ?? []).sorted()
            let ticks = processes.reduce(ended[name] ?? 0) { $0 + (known[$1]?.used ?? 0) }
            for process in choice(processes) where measures || known[process]?.memory == nil {
                known[process]?.memory = Self.proportionalShare(process)
                known[process]?.descriptors = Self.descriptors(process)
            }
            parts[name] = Sample.Part(
                processes: processes.count, cpu: ticks / ticksPerSecond,
                memory: Self.whole(processes.compactMap { known[$0]?.memory }, of: processes.count),
                descriptors: Self.whole(processes.compactMap { known[$0]?.descriptors }, of: processes.count),
                since: processes.compactMap { known[$0].flatMap { UInt64($0.began) } }.min() ?? 0)
        }
        return parts
    }

    /// What `count` processes hold together where these are known to hold `some`; nil: nothing is known.
    static func whole(_ some: [Int], of count: Int) -> Int? {
        if count == 0 { return 0 }
        return some.isEmpty ? nil : Int(Double(some.reduce(0, +)) * Double(count) / Double(some.count))
    }

    private mutating func forget(_ process: pid_t) {
        guard let gone = known.removeValue(forKey: process), let part = gone.part else { return }
        ended[part, default: 0] += gone.used
    }

    /// It is part of something else from now on; what it used until now stays with what it was.
    private mutating func become(_ part: String?, _ name: String, _ process: pid_t) {
        known[process]?.name = name
        guard let was = known[process], was.part != part else { return }
        if let old = was.part { ended[old, default: 0] += was.used }
        known[process]?.part = part
        known[process]?.before = was.ticks
    }

    private func choice(_ processes: [pid_t]) -> [pid_t] {
        guard processes.count > Self.most else { return processes }
        let step = processes.count / Self.most
        return (0..<Self.most).map { processes[($0 * step + looks) % processes.count] }
    }

    private func part(of process: pid_t) -> String? {
        // It takes processors from what it measures, and is in no gateway's group.
        if process == getpid() { return "this load" }
        let groups = Self.contents("/proc/\(process)/cgroup")
        if let group, !groups.contains(group) { return nil }
        let words = Self.contents("/proc/\(process)/cmdline").split(separator: "\0").map(String.init)
        return Self.part(words, host: Self.host(groups))
    }

    /// What a process with these words is part of, on the execution host of that name where it is known; nil: of no gateway.
    static func part(_ words: [String], host: String? = nil) -> String? {
        guard let program = words.first?.split(separator: "/").last.map(String.init) else { return nil }
        switch program {
        case "maxwelld": return "controller"
        case "maxwell-relay": return "relay"
        case "maxwell-web": return "web"
        case "mariadbd", "mysqld": return "database"
        case "maxwell-host":
            if words.contains("synthetic") { return "synthetic displays" }
            if words.contains("keep") { return "keepers" }
            if words.contains("data") { return "data doors" }
            return host.map { "agent \($0)" } ?? "agents"
        case "Xvnc", "Xtigervnc": return "displays"
        case "bwrap": return "containers"
        case "ssh": return "ssh"
        case "slapd": return "directory"
        // Whatever else runs on a host of ours was started for a session.
        default: return program.hasPrefix("sshd") ? "sshd" : host.map { _ in "applications" }
        }
    }

    /// The part of a control group's path that a gateway has for itself: the quick start's `/mwq-HASH/`.
    static func gatewayGroup(_ groups: String) -> String? {
        for line in groups.split(separator: "\n") {
            for name in line.split(separator: "/") where name.hasPrefix("mwq-") { return "/\(name)/" }
        }
        return nil
    }

    /// The host that a quick start's control group is of: `exec1` of `/mwq-HASH/exec1`.
    static func host(_ groups: String) -> String? {
        for line in groups.split(separator: "\n") {
            let names = line.split(separator: "/")
            guard let place = names.firstIndex(where: { $0.hasPrefix("mwq-") }), place + 1 < names.count else {
                continue
            }
            return names[place + 1] == "services" ? nil : String(names[place + 1])
        }
        return nil
    }

    private static func processes() -> [pid_t] {
        guard let folder = opendir("/proc") else { return [] }
        defer { closedir(folder) }
        var found: [pid_t] = []
        while let entry = readdir(folder) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if let number = pid_t(name) { found.append(number) }
        }
        return found
    }

    /// What `stat` says: when it began, its name, and utime and stime; nil when it has ended.
    private static func status(_ process: pid_t) -> (began: String, name: String, ticks: Double)? {
        let text = contents("/proc/\(process)/stat")
        guard let start = text.firstIndex(of: "("), let end = text.lastIndex(of: ")") else { return nil }
        let fields = text[text.index(after: end)...].split(separator: " ")
        guard fields.count > 19 else { return nil }
        return (
            String(fields[19]), String(text[text.index(after: start)..<end]),
            (Double(fields[11]) ?? 0) + (Double(fields[12]) ?? 0)
        )
    }

    /// Nil: it has ended, or is another user's, which we are not shown.
    private static func proportionalShare(_ process: pid_t) -> Int? {
        let line = contents("/proc/\(process)/smaps_rollup").split(separator: "\n").first { $0.hasPrefix("Pss:") }
        return line.flatMap { Int($0.split(separator: " ")[1]) }
    }

    /// Nil as for the share.
    private static func descriptors(_ process: pid_t) -> Int? {
        guard let folder = opendir("/proc/\(process)/fd") else { return nil }
        defer { closedir(folder) }
        var count = 0
        while readdir(folder) != nil { count += 1 }
        return max(0, count - 2)
    }

    private static func contents(_ path: String) -> String {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return "" }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 8192)
        let count = read(descriptor, &bytes, bytes.count)
        return String(decoding: bytes.prefix(max(count, 0)), as: UTF8.self)
    }
}
