import Glibc
import SessionModel

/// Becomes `program` of the folder this one is in; returns, with the reason, only when that failed.
func become(_ program: String, _ arguments: [String]) -> Refusal {
    let missing = Refusal("The program '\(program)' is not installed beside 'maxwell'; please install it.", .osFile)
    guard let own = ownPath(), let slash = own.lastIndex(of: "/") else { return missing }
    let path = own[...slash] + program
    var words: [UnsafeMutablePointer<CChar>?] = ([String(path)] + arguments).map { strdup($0) }
    words.append(nil)
    signal(SIGPIPE, SIG_DFL)
    execv(String(path), words)
    return missing
}

/// The file this program was started from (proc(5)).
private func ownPath() -> String? {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(PATH_MAX) + 1) { room in
        guard let start = room.baseAddress else { return nil }
        let length = readlink("/proc/self/exe", start, Int(PATH_MAX))
        guard length > 0 else { return nil }
        room[length] = 0
        return String(validatingCString: start)
    }
}
