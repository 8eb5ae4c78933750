import HostProtocol
import SessionModel

/// A session's directory in its user's home. What lies there is the user's to choose, so it is gone to step by step,
/// following no link: a child of ours on the host sees more than the session does.
enum SessionFolder {
    /// Its path, in a container and on the host alike.
    static func path(_ account: Account, _ session: SessionNumber) -> String {
        "\(account.home)/data/sessions/\(session)"
    }

    /// The folder of all sessions.
    static func parent(_ account: Account) throws(HostFailure) -> Folder {
        try Folder(account.home).folder("data/sessions")
    }

    /// The directory, that is there.
    static func found(_ account: Account, _ session: SessionNumber) throws(HostFailure) -> Folder {
        try parent(account).folder("\(session)")
    }

    /// The directory, made with what is missing above it.
    static func made(_ account: Account, _ session: SessionNumber) throws(HostFailure) -> Folder {
        try Folder(account.home).making("data", 0o755).making("sessions", 0o755).making("\(session)", 0o755)
    }

    /// Its path in the container where the home is full.
    static func pathInMemory(_ session: SessionNumber) -> String { "/tmp/session-\(session)" }

    /// The directory in the container's own memory.
    static func madeInMemory(_ session: SessionNumber) throws(HostFailure) -> Folder {
        try Folder("/tmp").making("session-\(session)", 0o700)
    }
}
