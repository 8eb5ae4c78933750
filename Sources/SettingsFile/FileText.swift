import Glibc

/// Why a file could not be read, in a mistake's words.
struct UnreadableFile: Error {
    let problem: String
}

/// The text of the regular file at `path`, at most a mebibyte; `refuse` may object to its mode.
func readText(path: String, refuse: (mode_t) -> String? = { _ in nil }) throws(UnreadableFile) -> String {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
    guard descriptor >= 0 else { throw UnreadableFile(problem: "cannot be read: \(String(cString: strerror(errno)))") }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
        throw UnreadableFile(problem: "cannot be read: it is not a regular file")
    }
    if let problem = refuse(status.st_mode) { throw UnreadableFile(problem: problem) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 65536)
    while true {
        let count = read(descriptor, &chunk, chunk.count)
        if count == 0 { break }
        if count < 0 {
            if errno == EINTR { continue }
            throw UnreadableFile(problem: "cannot be read: \(String(cString: strerror(errno)))")
        }
        bytes += chunk[..<count]
        if bytes.count > 1 << 20 { throw UnreadableFile(problem: "cannot be read: it is larger than a mebibyte") }
    }
    guard let text = String(validating: bytes, as: UTF8.self) else {
        throw UnreadableFile(problem: "cannot be read: it is not UTF-8")
    }
    return text
}

extension Settings {
    /// Reads the file at `path`, throwing every mistake at once, named after the file without its folder.
    public static func load(path: String) throws(SettingsErrors) -> Settings {
        let file = path.split(separator: "/").last.map(String.init) ?? path
        let text: String
        do {
            text = try readText(path: path)
        } catch {
            throw SettingsErrors([Mistake(file: path, line: nil, problem: error.problem)])
        }
        return try parse(text, file: file)
    }
}
