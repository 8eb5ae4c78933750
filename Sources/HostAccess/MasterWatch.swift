import Glibc
import UnixSockets

/// A connection to an ssh master's control socket on which nothing is asked: it is over when that ssh is (ssh(1), -M), and
/// is closed with this.
final class MasterWatch: Sendable {
    private let socket: Int32

    /// Nil: there is no master that listens at `path`.
    init?(_ path: String) {
        guard let socket = UnixAddress(path: path)?.connected(.always) else { return nil }
        self.socket = socket
    }

    deinit { close(socket) }

    /// Whether that ssh runs still.
    var runs: Bool {
        var question = pollfd(fd: socket, events: 0, revents: 0)
        return poll(&question, 1, 0) == 0
    }
}
