import Glibc

extension ControlGroups {
    /// Moves what not even a kill ends, because a file system that does not answer holds it, to the keepers' group: the
    /// display's own can be removed, and those end when the file system does.
    func evict() {
        for folder in folders {
            guard let parent = folder.lastIndex(of: "/") else { continue }
            let elsewhere = open(folder[..<parent] + "/keepers/cgroup.procs", O_WRONLY | O_CLOEXEC)
            guard elsewhere >= 0 else { continue }
            for group in [folder] + names(in: folder).map({ folder + "/" + $0 }) {
                for pid in text(of: group + "/cgroup.procs")?.split(separator: "\n") ?? [] {
                    if let pid = Int32(pid) { kill(pid, SIGKILL) }
                    _ = writeAll(Array(pid.utf8), to: elsewhere)
                }
            }
            close(elsewhere)
        }
    }
}
