import Glibc
import HostProtocol
import SessionModel

/// What displays without a container share with the machine: the numbers of X displays (Xserver(1), "FILES").
enum PlainDisplay {
    private static func lock(_ number: DisplayNumber) -> String { "/tmp/.X\(number)-lock" }
    private static func socket(_ number: DisplayNumber) -> String { "/tmp/.X11-unix/X\(number)" }

    private static func holder(_ number: DisplayNumber) -> Int32? {
        text(of: lock(number))?.split(whereSeparator: \.isWhitespace).first.flatMap { Int32($0) }
    }

    /// Whether another X server of the machine has the number; what a dead one left does not count, as for Xvnc.
    static func isTaken(_ number: DisplayNumber) -> Bool {
        if let pid = holder(number), pid > 0, kill(pid, 0) == 0 || errno == EPERM { return true }
        guard let fd = connectUnix(socket(number)) else { return errno == EAGAIN }
        close(fd)
        return true
    }

    /// Why Xvnc ended at its start, by what it wrote: another server may have been faster.
    static func failure(log: String) -> HostFailure {
        HostFailure(log.contains("already active for display") ? .displayBusy : .displayFailed, "Xvnc ended: \(log)")
    }

    /// Removes what a killed Xvnc left in /tmp; never another server's.
    static func removeTraces(of number: DisplayNumber, _ left: KeeperState) {
        if let first = left.first, holder(number) == first.pid {
            unlink(lock(number))
            unlink(socket(number))
        }
        if let session = left.session { unlink("/tmp/.maxwell-auth-\(number)-\(session)") }
    }
}
