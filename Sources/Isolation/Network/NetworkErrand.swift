import CLinux
import Glibc
import HostProtocol
import SessionModel

/// A child that does something about a session's network, and the report that is waited for.
final class NetworkErrand {
    private let child: Int32
    private var report: ChildReport?
    private var done: ((Result<SessionNetwork.Report, HostFailure>) -> Void)?

    /// Does `work` in a child and calls `done` once, at the latest after `seconds`, with what became of it.
    init(
        loop: Loop, within seconds: Double, _ work: () throws(HostFailure) -> SessionNetwork.Report,
        done: @escaping (Result<SessionNetwork.Report, HostFailure>) -> Void
    ) throws(HostFailure) {
        self.done = done
        let pipe: Int32
        (child, pipe) = try reportingChild { Self.obey(work) }
        report = ChildReport(pipe, loop: loop, within: seconds) { [weak self] said in
            guard let self else { return }
            if let said {
                heard(said)
            } else {
                abandon(HostFailure(.applicationFailed, "the network was not made in time"))
            }
        }
    }

    /// In a child whose report is descriptor 3: a group of its own, so that the programs it runs end with it.
    private static func obey(_ work: () throws(HostFailure) -> SessionNetwork.Report) {
        setpgid(0, 0)
        clinux_ignore_signal(SIGPIPE)
        var report: SessionNetwork.Report
        do throws(HostFailure) { report = try work() } catch {
            report = SessionNetwork.Report()
            report.failure = error
        }
        _ = fcntl(3, F_SETFL, 0)
        _ = writeAll(encoded(report), to: 3)
    }

    /// Forks a child that takes away what a display has, without a loop; answers it, to be waited for.
    static func removal(of display: DisplayNumber, _ run: RunFolder) -> Int32? {
        guard
            let (child, report) = try? reportingChild({
                alarm(5)
                obey { () throws(HostFailure) in
                    try SessionNetwork.remove(display, run)
                    return SessionNetwork.Report()
                }
            })
        else { return nil }
        close(report)
        return child
    }

    /// Ends it with `failure`, unless it is over.
    func abandon(_ failure: HostFailure) {
        guard done != nil else { return }
        // It may not have its own group yet.
        for target in [-child, child] { kill(target, SIGKILL) }
        settle(.failure(failure))
    }

    private func heard(_ said: [UInt8]) {
        guard let report: SessionNetwork.Report = decoded(said) else {
            return settle(.failure(HostFailure(.internalError, "the network's child was killed")))
        }
        settle(report.failure.map { .failure($0) } ?? .success(report))
    }

    private func settle(_ outcome: Result<SessionNetwork.Report, HostFailure>) {
        guard let done else { return }
        self.done = nil
        report?.end()
        done(outcome)
    }
}
