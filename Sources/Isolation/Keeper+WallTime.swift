import Glibc
import HostProtocol
import SessionModel

extension Keeper {
    /// Seconds the application has after HUP, and after TERM.
    private static let patience = 5.0

    /// Ends the application when its time is over; its user reads of it before.
    func watchTime(of order: ApplicationOrder) {
        let limit = order.limits.wallTime
        guard limit > 0 else { return }
        let notice = min(300, max(1, limit / 10))
        loop.after(Double(limit - notice)) { [self] in
            guard state == .used, exit == nil else { return }
            show(Self.notice(seconds: notice), seconds: notice) { _ in }
        }
        loop.after(Double(limit)) { [self] in
            guard state == .used, exit == nil else { return }
            log("display \(number): the application's time is over, \(limit) s")
            endInTime([SIGHUP, SIGTERM, SIGKILL])
        }
    }

    /// What the user reads `seconds` before the end.
    static func notice(seconds: Int) -> String {
        let left =
            switch seconds {
            case 1: "1 second"
            case ..<120: "\(seconds) seconds"
            default: "\(seconds / 60) minutes"
            }
        return "The time of this session is over in \(left).\nPlease save your work now."
    }

    /// Sends the signals one after another for as long as something of the user's runs and nobody ends the display.
    private func endInTime(_ signals: ArraySlice<Int32>) {
        let left = userProcesses()
        guard state == .used, !left.isEmpty, let signal = signals.first else { return }
        if exit == nil { overtime = signal }
        for pid in left { kill(pid, signal) }
        loop.after(Self.patience) { [self] in endInTime(signals.dropFirst()) }
    }
}
