import SessionModel

/// Where ssh finds an execution host, and how it proves to be that host.
public struct HostEndpoint: Sendable, Hashable {
    public let name: HostName
    /// A name or an address.
    public let address: String
    public let port: Int
    /// The account whose key line carries the forced command.
    public let account: String
    /// "ssh-ed25519 AAAA…": the only key that is accepted.
    public let sshHostKey: String
    /// The host's own run folder, where its data socket is.
    public let runFolder: String

    /// A host as it is recorded.
    public init(name: HostName, address: String, port: Int, account: String, sshHostKey: String, runFolder: String) {
        self.name = name
        self.address = address
        self.port = port
        self.account = account
        self.sshHostKey = sshHostKey
        self.runFolder = runFolder
    }
}

/// The controller's side of every connection to a host.
public struct HostAccessSettings: Sendable {
    /// The controller's private key.
    public let key: String
    /// A folder for sockets and pins, short: an ssh ControlPath is at most about 90 bytes.
    public let folder: String
    /// Seconds until an address that does not answer counts as away.
    public let connectSeconds: Int
    /// Seconds of silence after which ssh asks the far sshd for a sign of life; three questions without one end it
    /// (ssh_config(5), ServerAliveInterval).
    public let aliveSeconds: Int

    /// What ssh needs to know of this controller.
    public init(key: String, folder: String, connectSeconds: Int, aliveSeconds: Int = 5) {
        self.key = key
        self.folder = folder
        self.connectSeconds = connectSeconds
        self.aliveSeconds = aliveSeconds
    }
}
