import Glibc
import Hummingbird
import HummingbirdCore
import Logging

/// Why the pages cannot be served.
public enum WebServerError: Error, Equatable {
    /// noVNC's files are not in this folder.
    case noVNCMissing(folder: String)
    /// Something that is not a socket stands where ours has to be.
    case pathTaken(String)
}

/// The gateway's pages on a Unix socket, for the relay.
public struct WebServer: Sendable {
    private let socket: String
    private let pages: Pages

    /// Pages with noVNC's files from `noVNC`, on `socket`; throws when the folder is not there.
    public init(socket: String, noVNC: String) throws(WebServerError) {
        guard let folder = StaticFolder(noVNC) else { throw .noVNCMissing(folder: noVNC) }
        self.socket = socket
        pages = Pages(noVNC: folder)
    }

    /// Serves until SIGTERM or SIGINT, which let requests under way end. The socket gets mode 0660: its folder gives it
    /// the relay's group (setgid).
    public func run(logger: Logger) async throws {
        try removeStaleSocket()
        umask(0o117)
        let application = Application(
            router: pages.router(),
            server: HTTPServerBuilder { responder in
                BehindRelay(http: HTTP1Channel(responder: responder, configuration: .init(idleTimeout: .seconds(60))))
            },
            configuration: .init(address: .unixDomainSocket(path: socket), serverName: nil),
            logger: logger)
        try await application.runService()
    }

    /// Removes the socket that an earlier run left behind.
    private func removeStaleSocket() throws(WebServerError) {
        var status = stat()
        guard lstat(socket, &status) == 0 else { return }
        guard status.st_mode & S_IFMT == S_IFSOCK else { throw .pathTaken(socket) }
        unlink(socket)
    }
}
