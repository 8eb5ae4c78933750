/// The controller's line in a host's authorized_keys (sshd(8)): the key runs the agent, reaches its data socket, and does
/// nothing else.
public struct AgentKeyLine: Sendable, Equatable {
    /// The line, without its end.
    public let text: String

    /// A line for `publicKey`, `ssh-ed25519 AAAA… comment`. Neither the command nor the socket's path has quotes or spaces of
    /// its own in a path.
    ///
    /// `restrict` takes everything away, terminal, agent, X11 and user's rc among it. Pictures need one stream-local forward:
    /// `port-forwarding` gives all of them back, so `permitopen` names the one destination, a path in brackets with any
    /// port (not in sshd(8): tried with OpenSSH 9.2, without brackets the whole line is invalid), and `permitlisten` one
    /// port on the loopback, which stands for none. No word keeps sockets from being made on the host by a forward back:
    /// sshd_config(5) has one, `AllowStreamLocalForwarding local`.
    public init(command: String, dataSocket: String, publicKey: String) {
        text =
            "restrict,port-forwarding,permitopen=\"[\(dataSocket)]:*\",permitlisten=\"127.0.0.1:1\","
            + "command=\"\(command)\" \(publicKey)"
    }
}
