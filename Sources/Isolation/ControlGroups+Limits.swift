import Glibc
import SessionModel

extension ControlGroups {
    /// What a cgroup can bound, and the file each hierarchy does it with (kernel: admin-guide/cgroup-v1,
    /// admin-guide/cgroup-v2).
    enum Bound: String, CaseIterable {
        case memory, cpu, processes

        fileprivate var files: [String] {
            switch self {
            case .memory: ["memory.limit_in_bytes", "memory.max"]
            case .cpu: ["cpu.cfs_quota_us", "cpu.max"]
            case .processes: ["pids.max"]
            }
        }
    }

    /// MiB that Xvnc may have, with all the pictures its clients keep in it.
    static let serverMemory = 1024
    /// Processes of a display's server: Xvnc, its wrappers, the threads of GLX, what compiles keyboard maps.
    private static let serverProcesses = 256

    /// What can be bounded here, with the hierarchy's version that does it: `v1` or `v2`.
    var bounds: [(bound: Bound, version: String)] {
        Bound.allCases.compactMap { bound in
            for folder in folders where bound.files.contains(where: { Self.has($0, folder) }) {
                return (bound, Self.has("cgroup.controllers", folder) ? "v2" : "v1")
            }
            return nil
        }
    }

    private static func has(_ file: String, _ folder: String) -> Bool { access(folder + "/" + file, W_OK) == 0 }

    /// Bounds a display's server, so that what its clients make it hold is not the host's loss.
    func boundServer() {
        boundMemory(of: .server, Self.serverMemory)
        boundProcesses(of: .server, Self.serverProcesses)
    }

    /// Bounds all that the session's user runs on the display; answers what should be bounded and is not.
    ///
    /// The share is the whole display's; below it, the session and the server get equal parts when both want more than
    /// there is, so that a greedy application does not hold up its own display.
    func boundSession(_ limits: ResourceLimits) -> [Bound] {
        weigh(limits.cpuShare)
        var unbound: [Bound] = []
        if !boundMemory(of: .session, limits.memory), limits.memory > 0 { unbound.append(.memory) }
        if !boundCPU(of: .session, limits.cpu), limits.cpu > 0 { unbound.append(.cpu) }
        if !boundProcesses(of: .session, limits.processes), limits.processes > 0 { unbound.append(.processes) }
        return unbound
    }

    /// Gives everything in here `share` of a busy host, where 100 is what a group has that nobody weighed.
    func weigh(_ share: Int) {
        set("cpu.shares", to: "\(max(2, share * 1024 / 100))")
        set("cpu.weight", to: "\(share)")
    }

    /// Bytes in buffers of a session's TCP connections.
    private static let mostOfConnections = 64 << 20

    @discardableResult
    private func boundMemory(of part: Part, _ mebibytes: Int) -> Bool {
        let bytes = mebibytes == 0 ? nil : "\(mebibytes << 20)"
        // Memory and swap together, which is never less than memory; the file is there when the kernel counts swap.
        let both = "memory.memsw.limit_in_bytes"
        set(both, of: part, to: "-1")
        if set("memory.limit_in_bytes", of: part, to: bytes ?? "-1") {
            if let bytes { set(both, of: part, to: bytes) }
            // What its TCP connections have in buffers is counted apart from memory, and the whole host has one measure of
            // that (tcp(7), tcp_mem).
            set("memory.kmem.tcp.limit_in_bytes", of: part, to: bytes == nil ? "-1" : "\(Self.mostOfConnections)")
            return true
        }
        set("memory.swap.max", of: part, to: bytes == nil ? "max" : "0")
        return set("memory.max", of: part, to: bytes ?? "max")
    }

    /// Microseconds in each 100,000 of them.
    private func boundCPU(of part: Part, _ hundredths: Int) -> Bool {
        let quota = hundredths == 0 ? nil : "\(hundredths * 1000)"
        return set("cpu.cfs_quota_us", of: part, to: quota ?? "-1")
            || set("cpu.max", of: part, to: "\(quota ?? "max") 100000")
    }

    @discardableResult
    private func boundProcesses(of part: Part, _ number: Int) -> Bool {
        set("pids.max", of: part, to: number == 0 ? "max" : "\(number)")
    }

    /// Writes `value` where a hierarchy has the file; false where none has, or it was refused.
    @discardableResult
    private func set(_ file: String, of part: Part? = nil, to value: String) -> Bool {
        var written = false
        for folder in folders(of: part) where Self.put(value, into: folder + "/" + file) { written = true }
        return written
    }
}
