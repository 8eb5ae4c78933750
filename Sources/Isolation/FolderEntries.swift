import CLinux
import Glibc

/// Calls `body` for each entry of the folder `fd` but `.` and `..`, with its name as it is: it need not be UTF-8. `fd` stays
/// open; false when it cannot be read.
func forEachEntry(of fd: Int32, _ body: (UnsafePointer<CChar>) -> Void) -> Bool {
    let own = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard own >= 0 else { return false }
    guard let stream = fdopendir(own) else {
        close(own)
        return false
    }
    defer { closedir(stream) }
    while let entry = readdir(stream) {
        guard let name = clinux_entry_name(entry) else { continue }
        if name[0] == 0x2E, name[1] == 0 || (name[1] == 0x2E && name[2] == 0) { continue }
        body(name)
    }
    return true
}

/// Opens the folder `name` in the folder `fd`, or nothing: no link is followed.
func openFolder(_ fd: Int32, _ name: UnsafePointer<CChar>) -> Int32 {
    openat(fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
}
