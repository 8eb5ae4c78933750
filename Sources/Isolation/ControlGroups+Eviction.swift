import Glibc
import SessionModel

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

    /// Removes the groups of displays that are gone. What ends while a file system holds it can be moved no more, and its
    /// groups stay until that file system answers.
    static func sweep(_ run: RunFolder) {
        for parent in parents() {
            for name in names(in: parent + "/maxwell") where name.hasPrefix("display-") {
                guard let number = Int(name.dropFirst(8).prefix(while: \.isNumber)).flatMap({ try? DisplayNumber($0) }),
                    name == run.groupName(of: number), access(run.display(number).path, F_OK) != 0,
                    let lock = run.lock(number)
                else { continue }
                defer { close(lock) }
                // Its folder is made before its groups.
                guard access(run.display(number).path, F_OK) != 0 else { continue }
                _ = ControlGroups(folders: ["\(parent)/maxwell/\(name)"]).remove()
            }
        }
    }
}
