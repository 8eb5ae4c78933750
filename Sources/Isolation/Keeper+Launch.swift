import CLinux
import FoundationEssentials
import Glibc
import HostProtocol
import SessionModel

extension Keeper {
    /// Brings the application into the display, which is checked, in a child; answers when it was executed.
    func start(_ order: ApplicationOrder, on display: DisplayOrder, _ debt: Debt) {
        let launch = ApplicationLaunch(
            order: order, displayUser: display.uid, cookie: cookie,
            container: run.isolation == .container ? written.first?.pid : nil)
        do throws(HostFailure) {
            written.session = order.session
            written.account = order.account
            try writeState()
            if waitingLaunch == nil { waitingLaunch = try WaitingLaunch(in: groups) }
            guard let waiting = waitingLaunch else { preconditionFailure("it was made a line above") }
            waitingLaunch = nil
            let (child, report) = (waiting.child, waiting.report)
            waiting.go(launch)
            let timer = loop.after(10) { [self] in
                kill(child, SIGKILL)
                finishLaunch(HostFailure(.homeUnavailable, "\(order.account.home) does not answer"))
            }
            launching = (debt, order, child, report, "", timer)
            loop.watch(report) { [self] _ in readLaunch() }
        } catch {
            forgetSession()
            state = .ready
            pay(debt, .failed(error))
        }
    }

    /// The display serves nobody, as before a launch that failed.
    private func forgetSession() {
        written.session = nil
        written.account = nil
        handedOver = nil
        try? writeState()
    }

    private func readLaunch() {
        guard let report = launching?.report else { return }
        var part = [UInt8](repeating: 0, count: 4096)
        let count = read(report, &part, part.count)
        if count > 0 {
            launching?.text += String(decoding: part[..<count], as: UTF8.self)
        } else if count == 0 || (errno != EAGAIN && errno != EINTR) {
            finishLaunch(nil)
        }
    }

    /// The launch is over: `given`, or what the child reported, is how it went.
    func finishLaunch(_ given: HostFailure?) {
        guard let launching else { return }
        self.launching = nil
        let ended = early
        early = [:]
        loop.cancel(launching.timer)
        loop.forget(launching.report)
        close(launching.report)
        var failure = given
        var pid: Int32?
        for line in launching.text.split(separator: "\n") {
            switch line.prefix(2) {
            case "P ": pid = Int32(line.dropFirst(2))
            case "H ":
                let kind: HostFailure.Kind =
                    line.hasSuffix("No space left on device") || line.hasSuffix("Disk quota exceeded")
                    ? .homeFull : .homeUnavailable
                failure = HostFailure(kind, String(line.dropFirst(2)))
            case "E ": failure = HostFailure(.applicationFailed, String(line.dropFirst(2)))
            default: break
            }
        }
        if failure == nil, pid == nil { failure = HostFailure(.applicationFailed, "the launch was killed") }
        if let failure {
            state = state == .used ? .ready : state
            forgetSession()
            pay(launching.debt, .failed(failure))
            return
        }
        guard let pid else { return }
        connection?.close()
        connection = nil
        application = (pid, launching.order)
        written.application = ProcessIdentity(pid)
        try? writeState()
        pay(launching.debt, .applicationStarted)
        if let status = ended[pid] { applicationEnded(launching.order, status) }
        reap()
    }
}
