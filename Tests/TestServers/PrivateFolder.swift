import Foundation

/// A folder of its own for a server or a test, with a path short enough for Unix sockets in it (107 bytes).
public struct PrivateFolder: Sendable {
    /// Below `/tmp`, without a slash at its end.
    public let path: String

    /// Makes `/tmp/PREFIX-XXXXXX` with mode 0700, for `owner` (an account's name) when it is given and the caller is
    /// root. Whoever made it calls ``remove()``, or gives it to a ``WatchedProcess``.
    public init(prefix: String = "mw", owner: String? = nil) throws {
        var template = Array("/tmp/\(prefix)-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw TestServerError("mkdtemp: \(String(cString: strerror(errno)))") }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        if let owner, geteuid() == 0 {
            guard let account = getpwnam(owner), chown(path, account.pointee.pw_uid, account.pointee.pw_gid) == 0 else {
                throw TestServerError("there is no account \(owner) to own \(path)")
            }
        }
    }

    /// The path of `name` in this folder.
    public func file(_ name: String) -> String { "\(path)/\(name)" }

    /// Deletes it with everything inside.
    public func remove() {
        try? FileManager.default.removeItem(atPath: path)
    }
}
