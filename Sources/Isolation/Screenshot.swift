import CLinux
import Glibc
import HostProtocol
import SessionModel

/// Writes a display's picture into its session's directory, in a child: the display or the home may hang.
struct Screenshot {
    /// Seconds after which the child ends itself.
    static let patience: UInt32 = 5
    let display: String
    let displayUser: UInt32
    let order: ApplicationOrder
    let password: Secret
    /// The display's: a large picture is the session's memory.
    let groups: ControlGroups

    /// Forks; answers the child, and a pipe that gives the `HostReply` as JSON, then ends.
    func begin() throws(HostFailure) -> (child: Int32, report: Int32) {
        try reportingChild {
            alarm(Self.patience)
            groups.enter(.session)
            // Where the session has no memory left, this goes, and not the application (proc(5)).
            ControlGroups.put("1000", into: "/proc/self/oom_score_adj")
            var reply = HostReply.done
            do throws(HostFailure) { try take() } catch { reply = .failed(error) }
            _ = writeAll(encoded(reply), to: 3)
        }
    }

    /// Only the connection needs root: what the display sends is read as the user whose display it is.
    private func take() throws(HostFailure) {
        guard let socket = connectUnix(display, boundBy: displayUser) else { throw failure("connect \(display)") }
        _ = fcntl(socket, F_SETFL, fcntl(socket, F_GETFL) & ~O_NONBLOCK)
        if let step = becomeUser(order.account, filtered: true) { throw failure(step) }
        let image = try FrameReader(socket: socket, password: password).read()
        do throws(HostFailure) {
            try SessionFolder.found(order.account, order.session).write("screenshot.png", image.file, mode: 0o640)
        } catch {
            throw error.kind == .diskFull ? error : HostFailure(.homeUnavailable, error.cause)
        }
    }
}
