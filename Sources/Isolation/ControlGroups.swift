import Glibc

/// The cgroups of one display or of the keepers: a folder in each hierarchy that is mounted, v1 and v2.
struct ControlGroups {
    /// The folders that could be made.
    let folders: [String]

    /// Makes `maxwell/NAME` below the caller's own cgroup, out of a login's scope; where a hierarchy refuses, it is
    /// left out.
    init(making name: String) {
        var made: [String] = []
        for parent in Self.parents() {
            let group = parent + "/maxwell"
            mkdir(group, 0o755)
            for folder in [parent, group] {
                for controller in ["+cpu", "+memory", "+pids"] {
                    Self.put(controller, into: folder + "/cgroup.subtree_control")
                }
            }
            let folder = group + "/" + name
            if mkdir(folder, 0o755) == 0 || errno == EEXIST { made.append(folder) }
        }
        folders = made
    }

    /// Those that were made before.
    init(folders: [String]) { self.folders = folders }

    /// Moves the calling process in.
    func enter() { for folder in folders { Self.put("0", into: folder + "/cgroup.procs") } }

    /// The processes inside.
    var members: [Int32] {
        guard let folder = folders.first, let list = text(of: folder + "/cgroup.procs") else { return [] }
        return list.split(separator: "\n").compactMap { Int32($0) }
    }

    /// CPU seconds used inside; nil where no hierarchy counts them.
    var cpuSeconds: Double? {
        for folder in folders {
            if let nanoseconds = text(of: folder + "/cpuacct.usage").flatMap({ Double($0.dropLast()) }) {
                return nanoseconds / 1e9
            }
        }
        for folder in folders {
            guard let line = text(of: folder + "/cpu.stat")?.split(separator: "\n").first,
                line.hasPrefix("usage_usec "), let microseconds = Double(line.dropFirst(11))
            else { continue }
            return microseconds / 1e6
        }
        return nil
    }

    /// Removes them; false while one is busy.
    func remove() -> Bool {
        var gone = true
        for folder in folders where rmdir(folder) != 0 && errno != ENOENT { gone = false }
        return gone
    }

    private static func put(_ word: String, into file: String) {
        let fd = open(file, O_WRONLY | O_CLOEXEC)
        guard fd >= 0 else { return }
        _ = writeAll(Array(word.utf8), to: fd)
        close(fd)
    }

    /// Whether a version 2 folder has controllers to pass on.
    private static func controls(_ folder: String) -> Bool {
        let there = text(of: folder + "/cgroup.controllers")?.split { $0 == " " || $0 == "\n" } ?? []
        return there.contains("memory") || there.contains("pids")
    }

    /// The caller's folder in each hierarchy that controls something, without the
    /// parts a login or a unit of ours added.
    static func parents() -> [String] {
        guard let own = text(of: "/proc/self/cgroup"), let mounts = text(of: "/proc/self/mounts") else { return [] }
        var points: [(root: String, kind: Substring, options: Set<Substring>)] = []
        for line in mounts.split(separator: "\n") {
            let fields = line.split(separator: " ")
            guard fields.count > 3, fields[2] == "cgroup" || fields[2] == "cgroup2" else { continue }
            points.append((String(fields[1]), fields[2], Set(fields[3].split(separator: ","))))
        }
        var found: [String] = []
        for line in own.split(separator: "\n") {
            let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard fields.count == 3 else { continue }
            let controllers = fields[1].split(separator: ",")
            let wanted = ["memory", "cpu", "cpuacct", "pids", "freezer"]
            let point =
                controllers.isEmpty
                ? points.first { $0.kind == "cgroup2" }
                : points.first { point in
                    point.kind == "cgroup" && controllers.allSatisfy { point.options.contains($0) }
                        && controllers.contains { wanted.contains(String($0)) }
                }
            guard let point else { continue }
            var parts = fields[2].split(separator: "/").map(String.init)
            if let ours = parts.firstIndex(of: "maxwell") { parts.removeSubrange(ours...) }
            if let slice = parts.firstIndex(of: "user.slice") { parts.removeSubrange(slice...) }
            while let last = parts.last, last.hasSuffix(".scope") || last.hasSuffix(".service") { parts.removeLast() }
            let folder = ([point.root] + parts).joined(separator: "/")
            // A hierarchy that controls nothing only groups, and hosts that share a machine share it: another host's
            // display of the same number would be in our folder.
            if controllers.isEmpty, !controls(folder) { continue }
            if !found.contains(folder) { found.append(folder) }
        }
        return found
    }
}
