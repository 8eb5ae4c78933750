import Glibc

/// What proc(5) says of a process and everything it started.
enum ProcessFigures {
    /// `root` and its descendants.
    static func family(_ root: pid_t) -> [pid_t] {
        var parents: [pid_t: pid_t] = [:]
        guard let folder = opendir("/proc") else { return [root] }
        defer { closedir(folder) }
        while let entry = readdir(folder) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if let number = pid_t(name), let fields = status(number) { parents[number] = pid_t(fields[1]) ?? 0 }
        }
        return parents.keys.filter { process in
            var one = process
            while one != root, let parent = parents[one], parent > 1 { one = parent }
            return one == root
        }
    }

    /// Seconds of processor time of the family: of those that live by the nanosecond, of children that ended by the
    /// kernel's ticks (cutime, cstime).
    static func cpu(_ root: pid_t) -> Double {
        family(root).reduce(0.0) { sum, process in
            var clock: clockid_t = 0
            var time = timespec()
            guard clock_getcpuclockid(process, &clock) == 0, clock_gettime(clock, &time) == 0 else { return sum }
            let ended = status(process)?[13...14].reduce(0.0) { $0 + (Double($1) ?? 0) } ?? 0
            return sum + Double(time.tv_sec) + Double(time.tv_nsec) / 1e9 + ended / Double(sysconf(Int32(_SC_CLK_TCK)))
        }
    }

    /// KiB of the family's memory by proportional share.
    static func proportionalShare(_ root: pid_t) -> Double {
        family(root).reduce(0.0) { sum, process in
            let line = contents("/proc/\(process)/smaps_rollup").split(separator: "\n").first { $0.hasPrefix("Pss:") }
            return sum + (line.flatMap { Double($0.split(separator: " ")[1]) } ?? 0)
        }
    }

    /// The fields of `stat` after the name, from the state on.
    private static func status(_ process: pid_t) -> [Substring]? {
        let text = contents("/proc/\(process)/stat")
        guard let end = text.lastIndex(of: ")") else { return nil }
        let fields = text[text.index(after: end)...].split(separator: " ")
        return fields.count > 14 ? fields : nil
    }

    private static func contents(_ path: String) -> String {
        let descriptor = open(path, O_RDONLY)
        guard descriptor >= 0 else { return "" }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 8192)
        let count = read(descriptor, &bytes, bytes.count)
        return String(decoding: bytes.prefix(max(count, 0)), as: UTF8.self)
    }
}
