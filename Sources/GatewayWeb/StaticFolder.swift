import Glibc

/// Files below one folder, told by a path of plain segments.
struct StaticFolder: Sendable {
    /// The folder's real path.
    private let root: String

    /// nil when `folder` is not there.
    init?(_ folder: String) {
        guard let root = realPath(folder) else { return nil }
        self.root = root
    }

    /// A file's bytes and media type; nil when it is not there, is no regular file, is larger than 16 MiB, lies
    /// outside of the folder by way of a link, or when its path has an empty or hidden segment or `..`.
    func file(_ path: String) -> (bytes: [UInt8], type: String)? {
        let segments = path.split(separator: "/", omittingEmptySubsequences: false)
        guard !segments.isEmpty, segments.allSatisfy({ !$0.isEmpty && !$0.hasPrefix(".") }),
            !path.utf8.contains(where: { $0 == 0 || $0 == UInt8(ascii: "\\") }),
            let real = realPath("\(root)/\(path)"), real.hasPrefix(root + "/"), let bytes = contents(of: real)
        else { return nil }
        return (bytes, StaticFolder.mediaType(of: real))
    }

    private static func mediaType(of path: String) -> String {
        switch path.split(separator: ".").last.map(String.init) {
        case "js": "text/javascript; charset=utf-8"
        case "css": "text/css; charset=utf-8"
        case "html": "text/html; charset=utf-8"
        case "json": "application/json"
        case "svg": "image/svg+xml"
        case "png": "image/png"
        case "ico": "image/x-icon"
        case "woff": "font/woff"
        case "ttf": "font/ttf"
        case "oga", "ogg": "audio/ogg"
        case "mp3": "audio/mpeg"
        case "txt": "text/plain; charset=utf-8"
        default: "application/octet-stream"
        }
    }
}

private func realPath(_ path: String) -> String? {
    guard let found = realpath(path, nil) else { return nil }
    defer { free(found) }
    return String(cString: found)
}

private func contents(of path: String) -> [UInt8]? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG, (0...16 << 20).contains(status.st_size)
    else { return nil }
    var bytes = [UInt8](repeating: 0, count: Int(status.st_size))
    var filled = 0
    while filled < bytes.count {
        let count = bytes.withUnsafeMutableBytes { buffer in
            read(descriptor, buffer.baseAddress.map { $0 + filled }, buffer.count - filled)
        }
        guard count > 0 else { return nil }
        filled += count
    }
    return bytes
}
