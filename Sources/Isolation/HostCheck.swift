import CLinux
import Glibc

/// What an administrator wants to know of a host: plain lines.
enum HostCheck {
    static func findings(_ run: RunFolder) -> (lines: [String], good: Bool) {
        var lines: [String] = []
        var good = true
        func say(_ fine: Bool, _ line: String) {
            lines.append((fine ? "ok: " : "problem: ") + line)
            if !fine { good = false }
        }
        var available: UInt64 = 0
        var total: UInt64 = 0
        for path in [run.path, "/tmp"] where clinux_disk(path, &available, &total) == 0 {
            say(available > 16 << 20, "disk \(path): \(available >> 20) of \(total >> 20) MiB free")
        }
        for line in text(of: "/proc/meminfo")?.split(separator: "\n") ?? [] where line.hasPrefix("MemAvailable:") {
            let kibibytes = line.split(separator: " ").dropFirst().first.flatMap { UInt64($0) } ?? 0
            say(kibibytes > 65536, "memory: \(kibibytes >> 10) MiB available")
        }
        if let load = text(of: "/proc/loadavg") {
            say(true, "load: \(load.split(separator: " ").prefix(3).joined(separator: " "))")
        }
        let needed = run.isolation == .container ? ["Xvnc", "bwrap", "setpriv"] : ["Xvnc", "setpriv"]
        for program in needed {
            let there = ["/usr/local/bin", "/usr/bin", "/bin"].contains { access("\($0)/\(program)", X_OK) == 0 }
            say(there, there ? "\(program) is installed" : "\(program) is not installed")
        }
        switch run.isolation {
        case .container:
            let groups = ControlGroups.parents()
            say(!groups.isEmpty, groups.isEmpty ? "no cgroups" : "cgroups: \(groups.joined(separator: " "))")
        case .none: say(true, "isolation is off: displays run without containers")
        }
        say(true, "displays: \(run.displays.count)")
        return (lines, good)
    }
}
