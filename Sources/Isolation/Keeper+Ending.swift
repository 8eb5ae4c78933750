import CLinux
import FoundationEssentials
import Glibc
import HostProtocol
import SessionModel

extension Keeper {
    /// Ends everything, HUP, TERM and KILL with `patience` between them, then answers. An end that is asked for while
    /// one goes on makes that one's steps shorter if its patience is, never longer.
    func end(_ debt: Debt, patience: Double) {
        ending.append(debt)
        self.patience = min(self.patience, patience)
        guard state != .ending else { return }
        state = .ending
        cutViewers()
        removeMessage()
        finishCheck(HostFailure(.displayBusy, "the display is being ended"))
        noteState()
        descend([SIGHUP, SIGTERM, SIGKILL]) { [self] in
            reap()
            let end = account()
            ended = end
            clean { [self] in
                for debt in ending { pay(debt, .displayEnded(end)) }
                loop.stop()
            }
        }
    }

    /// The user's processes on this display.
    func userProcesses() -> [Int32] {
        guard let user = application?.order.account.uid else { return [] }
        let known = groups.folders.isEmpty ? descendants(of: getpid()) : groups.members(of: .session)
        return known.filter { runningUser(of: $0) == user }
    }

    private func descend(_ signals: [Int32], then finished: @escaping () -> Void) {
        let left = userProcesses()
        guard !left.isEmpty, let signal = signals.first else { return finished() }
        for pid in left { kill(pid, signal) }
        let began = now()
        // Thousands of processes take a while to be looked at: the keeper does nothing else then, but not all the time.
        var took = 0.0
        func watch() {
            loop.after(max(0.003, took * 4)) { [self] in
                let looked = now()
                if userProcesses().isEmpty { return finished() }
                took = now() - looked
                guard now() >= began + (signal == SIGKILL ? 2 : patience) else { return watch() }
                descend(Array(signals.dropFirst()), then: finished)
            }
        }
        watch()
    }

    /// Ends the display server and its container, removes every trace, then calls `done`.
    func clean(then done: @escaping () -> Void) {
        cutViewers()
        removeMessage()
        // A launch that is ended here may have come as far as the session's directory.
        let left = written
        launching?.abandon(HostFailure(.displayBusy, "the display is being ended"))
        connection?.close()
        connection = nil
        waitingLaunch?.abandon()
        waitingLaunch = nil
        written.first?.send(SIGKILL)
        var isUnplugged = false
        unplug { isUnplugged = true }
        let began = now()
        func attempt() {
            var status: Int32 = 0
            while case let pid = waitpid(-1, &status, WNOHANG), pid > 0 {
                if pid == server { server = nil }
            }
            if now() > began + 1, let pid = server { kill(pid, SIGKILL) }
            let alive = server != nil || written.first?.isAlive == true
            if now() > began + (alive ? 3 : 1) { groups.evict() }
            let settled = !alive && isUnplugged && groups.remove()
            guard settled || now() > began + 5 else {
                loop.after(0.002, attempt)
                return
            }
            if !settled {
                log("display \(number): something of it does not end: \(groups.members)")
                // What a silent file system holds has been moved out of them.
                _ = groups.remove()
            }
            expireSessionFolder(left) { [self] in
                if run.isolation == .none { PlainDisplay.removeTraces(of: number, left) }
                removeTree(folder.path)
                // The number is free before anyone hears of the end.
                close(4)
                done()
            }
        }
        attempt()
    }

    /// Renames the session's directory as its user, in a child with a deadline: the home may hang.
    private func expireSessionFolder(_ left: KeeperState, then done: @escaping () -> Void) {
        guard let child = ExpiredFolder.begin(left) else { return done() }
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
