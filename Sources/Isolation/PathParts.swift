/// A path as the folder something is in, and its name there.
struct PathParts {
    let parent: String
    let name: String

    /// Splits an absolute path without `..`.
    init(_ path: String) {
        var parts = path.split(separator: "/")
        name = parts.popLast().map(String.init) ?? ""
        parent = "/" + parts.joined(separator: "/")
    }
}
