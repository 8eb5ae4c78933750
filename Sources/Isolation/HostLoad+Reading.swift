import CLinux
import Glibc
import HostProtocol

extension HostLoad {
    /// How this host is now; `template` is the run folder's.
    init(_ run: RunFolder, template: String) {
        let memory = Self.memory()
        var available: UInt64 = 0
        var total: UInt64 = 0
        _ = clinux_disk(run.path, &available, &total)
        let average = text(of: "/proc/loadavg")?.split(separator: " ").first.flatMap { Double($0) }
        self.init(
            memoryAvailable: memory.available, memoryTotal: memory.total, load: average ?? 0,
            cores: sysconf(Int32(_SC_NPROCESSORS_ONLN)), diskAvailable: Int(available >> 20), template: template)
    }

    /// MiB (proc(5), meminfo).
    static func memory() -> (available: Int, total: Int) {
        var found = (available: 0, total: 0)
        for line in text(of: "/proc/meminfo")?.split(separator: "\n") ?? [] {
            let words = line.split(separator: " ")
            guard words.count > 1, let kibibytes = Int(words[1]) else { continue }
            if words[0] == "MemAvailable:" { found.available = kibibytes >> 10 }
            if words[0] == "MemTotal:" { found.total = kibibytes >> 10 }
        }
        return found
    }
}
