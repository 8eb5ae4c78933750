import Glibc
import HostProtocol

/// A launch whose outcome is waited for: reads what its children report.
final class LaunchUnderWay {
    private let loop: Loop
    private let child: ProcessIdentity?
    private let report: Int32
    private var text: [UInt8] = []
    private var timer: UInt64?
    private var done: ((Result<Int32, HostFailure>) -> Void)?

    /// Lets `waiting` go on with `order` and calls `done` once: with the program's process, with why there is none, or
    /// with `late` after `seconds`.
    init(
        _ waiting: WaitingLaunch, _ order: WaitingLaunch.Order, loop: Loop, within seconds: Double, late: HostFailure,
        done: @escaping (Result<Int32, HostFailure>) -> Void
    ) {
        self.loop = loop
        self.done = done
        (child, report) = (ProcessIdentity(waiting.child), waiting.report)
        waiting.go(order)
        timer = loop.after(seconds) { [weak self] in self?.abandon(late) }
        loop.watch(report) { [weak self] _ in self?.read() }
    }

    /// Ends it with `failure`, unless it is over.
    func abandon(_ failure: HostFailure) {
        guard done != nil else { return }
        child?.send(SIGKILL)
        if case .success(let pid) = outcome { ProcessIdentity(pid)?.send(SIGKILL) }
        settle(.failure(failure))
    }

    /// As far as it was reported.
    private var outcome: Result<Int32, HostFailure> {
        DisplayEntry.outcome(of: String(decoding: text, as: UTF8.self))
    }

    /// Whether the session's files are in memory, since its home is full.
    var homeIsFull: Bool {
        text.split(separator: UInt8(ascii: "\n")).contains { $0.elementsEqual(DisplayEntry.fullHome.utf8) }
    }

    private func read() {
        var part = [UInt8](repeating: 0, count: 4096)
        let count = Glibc.read(report, &part, part.count)
        if count > 0 {
            text += part[..<count]
        } else if count == 0 || (errno != EAGAIN && errno != EINTR) {
            settle(outcome)
        }
    }

    private func settle(_ outcome: Result<Int32, HostFailure>) {
        guard let done else { return }
        self.done = nil
        loop.cancel(timer)
        loop.forget(report)
        close(report)
        done(outcome)
    }
}
