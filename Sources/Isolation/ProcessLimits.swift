import Glibc
import SessionModel

/// What a process of a session is told by setrlimit(2), each for itself.
struct ProcessLimits: Codable {
    /// Open files.
    private let files: Int
    /// Processes of the user on the whole host, where no cgroup counts those of the session; 0: not counted.
    private let processes: Int

    /// Those of `limits`; `unbound` is what no cgroup bounds.
    init(_ limits: ResourceLimits, unbound: [ControlGroups.Bound]) {
        files = limits.files
        processes = unbound.contains(.processes) ? limits.processes : 0
    }

    /// Puts the calling process under them, for ever once it has no privilege.
    func apply() {
        Self.set(RLIMIT_NOFILE, files)
        Self.leaveNoCore()
        // Memory that is never swapped out, for keys and passphrases.
        Self.set(__RLIMIT_MEMLOCK, 64 << 10)
        Self.set(__RLIMIT_MSGQUEUE, 800 << 10)
        Self.set(__RLIMIT_NICE, 0)
        Self.set(__RLIMIT_RTPRIO, 0)
        if processes > 0 { Self.set(__RLIMIT_NPROC, processes) }
    }

    /// A picture of a process's memory may be as large as the memory, and nobody asked for it. 0 would leave a program that
    /// the host has for such pictures to be run for each, as root (core(5)); for 1 it is not, and no picture is so small.
    static func leaveNoCore() { set(RLIMIT_CORE, 1) }

    /// Sets both limits; no higher than they may be raised.
    private static func set(_ resource: __rlimit_resource, _ value: Int) {
        let kind = __rlimit_resource_t(resource.rawValue)
        var limit = rlimit(rlim_cur: rlim_t(value), rlim_max: rlim_t(value))
        guard setrlimit(kind, &limit) != 0, getrlimit(kind, &limit) == 0 else { return }
        limit.rlim_cur = min(limit.rlim_max, rlim_t(value))
        limit.rlim_max = limit.rlim_cur
        setrlimit(kind, &limit)
    }
}
