/// Whose programs and libraries an application sees.
public enum SystemTree: Hashable, Codable, Sendable {
    /// The host's own, read-only.
    case host
    /// Those of a folder on the host, read-only.
    case folder(String)
    /// Those of a container image that the host's podman has, read-only: `registry/name:tag`.
    case image(String)
}
