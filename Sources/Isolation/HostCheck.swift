import CLinux
import Glibc
import HostProtocol

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
        for path in [run.path, "/tmp"] {
            let there = clinux_disk(existing(path), &available, &total) == 0
            say(
                there && available > 16 << 20,
                there ? "disk \(path): \(available >> 20) of \(total >> 20) MiB free" : "disk \(path): unknown")
        }
        let memory = HostLoad.memory().available
        say(memory > 64, "memory: \(memory) MiB available")
        if let load = text(of: "/proc/loadavg") {
            say(true, "load: \(load.split(separator: " ").prefix(3).joined(separator: " "))")
        }
        let needed =
            run.isolation == .container ? [run.displayServer, "bwrap", "setpriv"] : [run.displayServer, "setpriv"]
        for program in needed {
            let there = programPath(program) != nil
            say(there, there ? "\(program) is installed" : "\(program) is not installed")
        }
        if programPath("xmessage") == nil {
            lines.append("warning: xmessage is not installed: messages to users will not show")
        }
        let lacking = ["ip", "nft", "getent"].filter { programPath($0) == nil }
        if !lacking.isEmpty, run.isolation == .container {
            lines.append(
                "warning: not installed: \(lacking.joined(separator: ", ")): applications with a network cannot start")
        }
        switch run.isolation {
        case .container:
            let groups = ControlGroups.writableParents()
            if groups.isEmpty {
                lines.append("warning: no cgroup can be made: nothing counts or bounds what a display uses")
            } else {
                say(true, "cgroups: " + groups.map { "\($0.folder) (\($0.version))" }.joined(separator: " "))
            }
            if programPath("podman") == nil {
                lines.append("note: podman is not installed: no application can bring an image")
            }
            let bounds = self.bounds
            if !bounds.isEmpty {
                say(true, "limits: " + bounds.map { "\($0.bound.rawValue) (\($0.version))" }.joined(separator: " "))
            }
            for missing in ControlGroups.Bound.allCases where !bounds.contains(where: { $0.bound == missing }) {
                lines.append("warning: no cgroup bounds \(missing.rawValue): one session can take all of the host's")
            }
        case .none: say(true, "isolation is off: displays run without containers")
        }
        say(true, "displays: \(run.displays.count)")
        return (lines, good)
    }

    /// What a display's cgroups can bound: found out with a group made for it.
    private static var bounds: [(bound: ControlGroups.Bound, version: String)] {
        let trial = ControlGroups(making: "check-\(getpid())")
        defer { _ = trial.remove() }
        return trial.bounds
    }

    /// `path`, or the nearest folder above it that is there.
    private static func existing(_ path: String) -> String {
        var parts = path.split(separator: "/")
        while !parts.isEmpty, access("/" + parts.joined(separator: "/"), F_OK) != 0 { parts.removeLast() }
        return "/" + parts.joined(separator: "/")
    }
}
