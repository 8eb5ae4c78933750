import CLinux
import Glibc
import HostProtocol

/// A child of the keeper that waits for its order in the display's cgroups: moving there takes the kernel 10 ms and
/// more (a grace period of its own), which nobody has to wait for when it happened before.
struct WaitingLaunch {
    /// What it is to bring into the display.
    enum Order: Codable {
        case application(ApplicationLaunch)
        case message(Message)
    }

    let child: Int32
    /// Its lines (``DisplayEntry``).
    let report: Int32
    private let order: Int32

    /// Forks the child, which ends with this process or by ``abandon()``.
    init(in groups: ControlGroups) throws(HostFailure) {
        var order: [Int32] = [-1, -1]
        var report: [Int32] = [-1, -1]
        guard clinux_pipe(&order) == 0 else { throw failure("pipe") }
        guard clinux_pipe(&report) == 0 else {
            let failed = failure("pipe")
            for fd in order { close(fd) }
            throw failed
        }
        let child = clinux_fork()
        guard child >= 0 else {
            let failed = failure("fork")
            for fd in order + report { close(fd) }
            throw failed
        }
        if child == 0 {
            resetSignals()
            arrangeDescriptors([2, 2, 2, report[1], order[0]])
            groups.enter(.session)
            // Where the host's own memory runs out, sessions pay for it before what serves all of them (proc(5)).
            ControlGroups.put("500", into: "/proc/self/oom_score_adj")
            Self.obey()
        }
        close(order[0])
        close(report[1])
        self.child = child
        self.report = report[0]
        self.order = order[1]
    }

    /// Lets it go on. A child that died before closes its report without a word.
    func go(_ launch: Order) {
        _ = fcntl(order, F_SETFL, 0)
        _ = writeAll(encoded(launch), to: order)
        close(order)
    }

    /// Ends it before it had anything to do.
    func abandon() {
        kill(child, SIGKILL)
        forget()
    }

    /// Lets go of its pipes, after it was waited for.
    func forget() {
        close(order)
        close(report)
    }

    /// In the child, whose report is descriptor 3 and whose order comes from 4.
    private static func obey() -> Never {
        _ = fcntl(4, F_SETFL, 0)
        let launch = contents(from: 4).flatMap { decoded($0, as: Order.self) }
        close(4)
        switch launch {
        case .application(let application): application.enter(reporting: 3)
        case .message(let message): message.enter(reporting: 3)
        case nil: _exit(0)
        }
    }
}
