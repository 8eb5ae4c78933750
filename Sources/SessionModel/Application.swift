/// Something a user can start: from `etc/apps.d` or the portal's `tool_version`.
public struct Application: Hashable, Codable, Sendable {
    public let name: ApplicationName
    /// What people call it.
    public let title: String
    /// A command line for `/bin/sh -c`, run in the session's directory.
    public let command: String
    public let geometry: Geometry
    /// Bits per pixel of the display: 8, 16 or 24.
    public let depth: Int
    /// Seconds a session may stay unobserved.
    public let timeout: Int
    /// Whether the display needs GLX (OpenGL).
    public let needsGL: Bool
    /// Only members of one of these groups may start it; empty: everyone.
    public let groups: [String]
    /// Names of `hosttype` rows a host must have, all of them.
    public let hostRequirements: [String]
    /// Sessions of it at a time, 0–1,000,000; 0: no limit; nil: what `sessions.most_per_application` says.
    public let mostSessions: Int?
    /// Seconds after which a session of it is ended, watched or not; 0: never; nil: what `sessions.maximum_age` says.
    public let maximumAge: Int?
    /// What a session of it may use; nil: what `limits` of the settings says.
    public let limits: ResourceLimits?
    /// Where it may connect to.
    public let network: NetworkPolicy
    /// Whose programs it sees.
    public let tree: SystemTree
    /// Whether it may make user namespaces, as browsers and container programs want: more of the kernel is open to it.
    public let mayMakeUserNamespaces: Bool

    /// An application with everything known.
    public init(
        name: ApplicationName, title: String, command: String, geometry: Geometry = .usual, depth: Int = 24,
        timeout: Int = 86400, needsGL: Bool = false, groups: [String] = [], hostRequirements: [String] = [],
        mostSessions: Int? = nil, maximumAge: Int? = nil, limits: ResourceLimits? = nil,
        network: NetworkPolicy = .none, tree: SystemTree = .host, mayMakeUserNamespaces: Bool = false
    ) {
        self.name = name
        self.title = title
        self.command = command
        self.geometry = geometry
        self.depth = depth
        self.timeout = timeout
        self.needsGL = needsGL
        self.groups = groups
        self.hostRequirements = hostRequirements
        self.mostSessions = mostSessions
        self.maximumAge = maximumAge
        self.limits = limits
        self.network = network
        self.tree = tree
        self.mayMakeUserNamespaces = mayMakeUserNamespaces
    }
}
