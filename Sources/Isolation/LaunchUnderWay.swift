import Glibc
import HostProtocol

/// A launch whose outcome is waited for: reads what its children report.
final class LaunchUnderWay {
    private let child: ProcessIdentity?
    private var report: ChildReport?
    private var done: ((Result<Int32, HostFailure>) -> Void)?

    /// Lets `waiting` go on with `order` and calls `done` once: with the program's process, with why there is none, or
    /// with `late` after `seconds`.
    init(
        _ waiting: WaitingLaunch, _ order: WaitingLaunch.Order, loop: Loop, within seconds: Double, late: HostFailure,
        done: @escaping (Result<Int32, HostFailure>) -> Void
    ) {
        self.done = done
        child = ProcessIdentity(waiting.child)
        waiting.go(order)
        report = ChildReport(waiting.report, loop: loop, within: seconds) { [weak self] said in
            guard let self else { return }
            if said == nil { abandon(late) } else { settle(outcome) }
        }
    }

    /// Ends it with `failure`, unless it is over.
    func abandon(_ failure: HostFailure) {
        guard done != nil else { return }
        child?.send(SIGKILL)
        if case .success(let pid) = outcome { ProcessIdentity(pid)?.send(SIGKILL) }
        settle(.failure(failure))
    }

    /// The children's lines that have come by now.
    private var text: [UInt8] { report?.bytes ?? [] }

    /// What these lines tell of the launch so far.
    private var outcome: Result<Int32, HostFailure> {
        DisplayEntry.outcome(of: String(decoding: text, as: UTF8.self))
    }

    /// Whether the session's files are in memory, since its home is full.
    var homeIsFull: Bool { said(DisplayEntry.fullHome) }

    /// Whether podman has mounted an image that it has to let go of.
    var imageIsMounted: Bool { said(DisplayEntry.imageMounted) }

    private func said(_ line: String) -> Bool {
        text.split(separator: UInt8(ascii: "\n")).contains { $0.elementsEqual(line.utf8) }
    }

    private func settle(_ outcome: Result<Int32, HostFailure>) {
        guard let done else { return }
        self.done = nil
        report?.end()
        done(outcome)
    }
}
