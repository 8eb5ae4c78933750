import CLinux
import FoundationEssentials
import Glibc
import HostProtocol
import SessionModel

extension Keeper {
    /// Ends everything, HUP, TERM and KILL with `patience` between them, then answers.
    func end(_ debt: Debt, patience: Double) {
        ending.append(debt)
        guard state != .ending else { return }
        state = .ending
        finishCheck(HostFailure(.displayBusy, "the display is being ended"))
        let status = exit?.status
        let wall = exit?.wallSeconds
        descend([SIGHUP, SIGTERM, SIGKILL], patience: patience) { [self] in
            var end = account(status: status)
            if let wall { end.wallSeconds = wall }
            clean { [self] in
                end.logTail = exit?.logTail
                for debt in ending { pay(debt, .displayEnded(end)) }
                loop.stop()
            }
        }
    }

    /// The user's processes on this display.
    private func userProcesses() -> [Int32] {
        guard let user = application?.order.account.uid else { return [] }
        let known = groups.folders.isEmpty ? descendants(of: getpid()) : groups.members
        return known.filter { runningUser(of: $0) == user }
    }

    private func descend(_ signals: [Int32], patience: Double, then finished: @escaping () -> Void) {
        let left = userProcesses()
        guard !left.isEmpty, let signal = signals.first else { return finished() }
        for pid in left { kill(pid, signal) }
        watchThem(until: now() + (signal == SIGKILL ? 2 : patience), then: finished) { [self] in
            descend(Array(signals.dropFirst()), patience: patience, then: finished)
        }
    }

    private func watchThem(until deadline: Double, then finished: @escaping () -> Void, late: @escaping () -> Void) {
        loop.after(0.003) { [self] in
            if userProcesses().isEmpty { return finished() }
            if now() >= deadline { return late() }
            watchThem(until: deadline, then: finished, late: late)
        }
    }

    /// Ends the display server, its container and the viewers' connections, removes every trace, then calls `done`.
    func clean(then done: @escaping () -> Void) {
        for mover in movers.values { mover.close() }
        movers = [:]
        connection?.close()
        connection = nil
        waitingLaunch?.abandon()
        waitingLaunch = nil
        written.first?.send(SIGKILL)
        let began = now()
        func attempt() {
            var status: Int32 = 0
            if let pid = server, waitpid(pid, &status, WNOHANG) == pid { server = nil }
            while waitpid(-1, &status, WNOHANG) > 0 {}
            if now() > began + 1, let pid = server { kill(pid, SIGKILL) }
            let alive = server != nil || written.first?.isAlive == true
            let settled = !alive && groups.remove()
            guard settled || now() > began + 5 else {
                loop.after(0.002, attempt)
                return
            }
            if !settled { log("display \(number): something of it does not end: \(groups.members)") }
            expireSessionFolder { [self] in
                if run.isolation == .none { PlainDisplay.removeTraces(of: number, written) }
                removeTree(folder.path)
                // The number is free before anyone hears of the end.
                close(4)
                done()
            }
        }
        attempt()
    }

    /// Renames the session's directory as its user, in a child with a deadline: the home may hang.
    private func expireSessionFolder(then done: @escaping () -> Void) {
        guard application != nil, let child = ExpiredFolder.begin(written) else { return done() }
        let deadline = now() + 2
        func attempt() {
            var status: Int32 = 0
            if waitpid(child, &status, WNOHANG) != 0 { return done() }
            guard now() < deadline else {
                kill(child, SIGKILL)
                return done()
            }
            loop.after(0.001, attempt)
        }
        attempt()
    }

    /// What a keeper's process does: `listener` and the display's lock are its descriptors 3 and 4.
    static func main(run: RunFolder, display: DisplayNumber) {
        clinux_ignore_signal(SIGPIPE)
        for fd: Int32 in [3, 4] { _ = fcntl(fd, F_SETFD, FD_CLOEXEC) }
        _ = clinux_prctl(clinux_pr_set_child_subreaper, 1, 0, 0, 0)
        Keeper(run: run, number: display).serve(3)
    }
}
