import SessionModel

/// Where the database is and how to reach it.
public struct DatabaseAddress: Sendable {
    /// A Unix socket's path; nil: ``host`` and ``port`` are used.
    public var socket: String?
    /// A name or address, when there is no socket.
    public var host: String
    /// The TCP port, when there is no socket.
    public var port: Int
    /// The database's name: the hub's own.
    public var name: String
    /// The database's account.
    public var user: String
    /// nil: none is sent (`unix_socket` authentication).
    public var password: Secret?
    /// How many connections are kept, 1 or more.
    public var connections: Int
    /// How long connecting, one read and one write may take.
    public var timeoutSeconds: Int
    /// What the portal's own tables are called by (`jos_` in `jos_tool_version`); nil: found by looking.
    public var portalPrefix: String?

    /// An address with everything known.
    public init(
        socket: String? = nil, host: String = "127.0.0.1", port: Int = 3306, name: String, user: String,
        password: Secret? = nil, connections: Int = 4, timeoutSeconds: Int = 5, portalPrefix: String? = nil
    ) {
        self.socket = socket
        self.host = host
        self.port = port
        self.name = name
        self.user = user
        self.password = password
        self.connections = connections
        self.timeoutSeconds = timeoutSeconds
        self.portalPrefix = portalPrefix
    }
}
