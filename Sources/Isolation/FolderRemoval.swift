import Glibc

/// Removes a folder of ours and what is in it. A display server has one too and may have been anybody's: no link is
/// followed, names need not be text, folders of any depth go, and who still adds to it holds nobody for long.
func removeTree(_ path: String) {
    if unlink(path) == 0 || errno == ENOENT { return }
    let folder = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
    if folder >= 0 {
        empty(folder, until: now() + 5)
        close(folder)
    }
    rmdir(path)
}

/// Removes what is in `top`; folders inside of its folders are moved up first.
private func empty(_ top: Int32, until deadline: Double) {
    var moved = 0
    var goesOn = true
    while goesOn, now() < deadline {
        goesOn = false
        for name in entries(of: top) where !remove(name, from: top) {
            let folder = openat(top, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
            guard folder >= 0 else { continue }
            for inner in entries(of: folder) where !remove(inner, from: folder) {
                moved += 1
                if renameat(folder, inner, top, ".removed-\(moved)") == 0 { goesOn = true }
            }
            close(folder)
            if remove(name, from: top) { goesOn = true }
        }
    }
}

private func remove(_ name: [CChar], from folder: Int32) -> Bool {
    unlinkat(folder, name, 0) == 0 || unlinkat(folder, name, AT_REMOVEDIR) == 0
}

/// The names in a folder as they are, without `.` and `..`.
private func entries(of folder: Int32) -> [[CChar]] {
    let own = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard own >= 0 else { return [] }
    guard let stream = fdopendir(own) else {
        close(own)
        return []
    }
    defer { closedir(stream) }
    var found: [[CChar]] = []
    while let entry = readdir(stream) {
        let name = withUnsafePointer(to: &entry.pointee.d_name) {
            $0.withMemoryRebound(to: CChar.self, capacity: 256) {
                Array(UnsafeBufferPointer(start: $0, count: strlen($0) + 1))
            }
        }
        if name != [46, 0], name != [46, 46, 0] { found.append(name) }
    }
    return found
}
