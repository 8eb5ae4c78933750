import Glibc

/// The cgroups of one display or of the keepers: a folder in each hierarchy that is mounted, v1 and v2.
struct ControlGroups {
    /// What of a display is bounded by itself, in a group of its own below the display's.
    enum Part: String, CaseIterable {
        /// bubblewrap and Xvnc.
        case server
        /// Everything that runs as the session's user.
        case session
    }

    /// The folders that could be made.
    let folders: [String]

    /// Makes `maxwell/NAME` below the caller's own cgroup, out of a login's scope, and `parts` below that; where a
    /// hierarchy refuses, it is left out.
    init(making name: String, parts: [Part] = []) {
        var made: [String] = []
        for parent in Self.parents() {
            let group = parent + "/maxwell"
            let folder = group + "/" + name
            func passOn(_ folder: String) {
                for controller in ["+cpu", "+memory", "+pids"] {
                    Self.put(controller, into: folder + "/cgroup.subtree_control")
                }
            }
            func isThere(_ folder: String) -> Bool { mkdir(folder, 0o755) == 0 || errno == EEXIST }
            passOn(parent)
            guard isThere(group) else { continue }
            passOn(group)
            guard isThere(folder) else { continue }
            if !parts.isEmpty { passOn(folder) }
            guard parts.allSatisfy({ isThere("\(folder)/\($0.rawValue)") }) else {
                _ = ControlGroups(folders: [folder]).remove()
                continue
            }
            made.append(folder)
        }
        folders = made
    }

    /// Those that were made before.
    init(folders: [String]) { self.folders = folders }

    /// Moves the calling process in: into `part`, where the groups have parts.
    func enter(_ part: Part? = nil) {
        for folder in folders(of: part) { Self.put("0", into: folder + "/cgroup.procs") }
    }

    /// The folders of a part, or of all together.
    func folders(of part: Part?) -> [String] {
        guard let part else { return folders }
        return folders.map { "\($0)/\(part.rawValue)" }
    }

    /// The processes inside.
    var members: [Int32] { members(of: nil) + Part.allCases.flatMap { members(of: $0) } }

    /// The processes in a part, or in none.
    func members(of part: Part?) -> [Int32] {
        guard let folder = folders(of: part).first, let list = text(of: folder + "/cgroup.procs") else { return [] }
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
        let all = Part.allCases.flatMap { folders(of: $0) } + folders
        for folder in all where rmdir(folder) != 0 && errno != ENOENT { gone = false }
        return gone
    }

    /// Those of ``parents()`` in which a group can be made, with their version: `v1` or `v2`.
    static func writableParents() -> [(folder: String, version: String)] {
        parents().filter { access($0, W_OK) == 0 }.map {
            ($0, access($0 + "/cgroup.controllers", F_OK) == 0 ? "v2" : "v1")
        }
    }

    /// Writes a word into a file of a group; false with errno where the kernel has no such file or refuses the word.
    @discardableResult
    static func put(_ word: String, into file: String) -> Bool {
        let fd = open(file, O_WRONLY | O_CLOEXEC)
        guard fd >= 0 else { return false }
        defer { close(fd) }
        return writeAll(Array(word.utf8), to: fd)
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
            var folder = ([point.root] + parts).joined(separator: "/")
            // Where systemd rules, ours is what it has delegated (docs/install.md).
            let delegated = point.root + "/system.slice/maxwell-sessions.service"
            if controllers.isEmpty, access(delegated, W_OK) == 0 { folder = delegated }
            // A hierarchy that controls nothing only groups, and hosts that share a machine share it: another host's
            // display of the same number would be in our folder.
            if controllers.isEmpty, !controls(folder) { continue }
            if !found.contains(folder) { found.append(folder) }
        }
        return found
    }
}
