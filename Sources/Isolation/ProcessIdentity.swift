import Glibc

/// A process that is not mistaken for a later one with its number: pid and start time (proc(5), stat field 22).
struct ProcessIdentity: Codable, Equatable {
    let pid: Int32
    let started: UInt64

    /// The process that has `pid` now; nil when none has, or a zombie.
    init?(_ pid: Int32) {
        guard let stat = text(of: "/proc/\(pid)/stat"), let name = stat.lastIndex(of: ")") else { return nil }
        let fields = stat[stat.index(after: name)...].split(separator: " ")
        guard fields.count > 19, fields[0] != "Z", fields[0] != "X", let started = UInt64(fields[19]) else {
            return nil
        }
        self.pid = pid
        self.started = started
    }

    /// Whether it still runs.
    var isAlive: Bool { ProcessIdentity(pid) == self }

    /// Sends `signal` unless it has gone.
    func send(_ signal: Int32) { if isAlive { kill(pid, signal) } }
}

/// The real uid of a process; nil when it has gone or is a zombie.
func runningUser(of pid: Int32) -> UInt32? {
    guard let status = text(of: "/proc/\(pid)/status") else { return nil }
    var user: UInt32?
    for line in status.split(separator: "\n") {
        if line.hasPrefix("State:") && (line.contains("Z (") || line.contains("X (")) { return nil }
        if line.hasPrefix("Uid:") { user = line.split(separator: "\t").dropFirst().first.flatMap { UInt32($0) } }
    }
    return user
}

/// CPU seconds of the processes below `ancestor`, and of their children that they have waited for (proc(5), stat fields
/// 14 to 17).
func running(below ancestor: Int32) -> Double {
    let ticks = descendants(of: ancestor).reduce(0.0) { sum, pid in
        guard let stat = text(of: "/proc/\(pid)/stat"), let end = stat.lastIndex(of: ")") else { return sum }
        let fields = stat[stat.index(after: end)...].split(separator: " ")
        return fields.count > 14 ? fields[11...14].reduce(sum) { $0 + (Double($1) ?? 0) } : sum
    }
    return ticks / Double(max(1, sysconf(Int32(_SC_CLK_TCK))))
}

/// Every process below `ancestor`, zombies included.
func descendants(of ancestor: Int32) -> [Int32] {
    var parents: [Int32: Int32] = [:]
    for name in names(in: "/proc") {
        guard let pid = Int32(name), let stat = text(of: "/proc/\(name)/stat"), let end = stat.lastIndex(of: ")") else {
            continue
        }
        let fields = stat[stat.index(after: end)...].split(separator: " ")
        if fields.count > 1, let parent = Int32(fields[1]) { parents[pid] = parent }
    }
    return parents.keys.filter { pid in
        var above = parents[pid]
        while let one = above, one > 1 {
            if one == ancestor { return true }
            above = parents[one]
        }
        return false
    }
}
