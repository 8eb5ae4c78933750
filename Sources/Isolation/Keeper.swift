import CLinux
import FoundationEssentials
import Glibc
import HostProtocol
import SessionModel

/// One display's parent: starts its container, brings the application in, owns exit statuses and the end. A
/// single-threaded poll loop.
final class Keeper: DisplaySpeaker {
    let run: RunFolder
    let number: DisplayNumber
    let folder: DisplayFolder
    let loop = Loop()
    let signals: Int32
    var streams: [ObjectIdentifier: LineStream] = [:]
    var movers: [ObjectIdentifier: ByteMover] = [:]
    var order: DisplayOrder?
    var state = DisplayReport.State.starting
    var groups = ControlGroups(folders: [])
    var written = KeeperState()
    var cookie: [UInt8] = []
    /// bubblewrap, or Xvnc itself without a container.
    var server: Int32?
    var serverGone = false
    var serverLog: ServerLog?
    var making: Debt?
    /// Our own view of the display, until an application runs on it.
    var connection: DisplayConnection?
    /// The hand-over that waits for the display's check.
    var checking: Debt?
    /// When the display was handed over, and the CPU seconds it had used by then.
    var handedOver: UseMark?
    /// The user who was being brought in, whether or not it went well: the container may know of this one.
    var begunFor: UInt32?
    /// Where the application will be launched, made before it is wanted.
    var waitingLaunch: WaitingLaunch?
    var launching: LaunchUnderWay?
    /// What each process of the session's user is bounded to.
    var processLimits = ProcessLimits(.standard, unbound: [])
    var application: (pid: Int32, order: ApplicationOrder)?
    /// Children that ended while a launch was under way, with their statuses: an application may be faster than the news
    /// of it.
    var early: [Int32: Int32] = [:]
    /// The application's account at its own end, by itself or in the display's.
    var exit: DisplayEnd?
    /// The message that is being shown, and the one that is there.
    var showing: LaunchUnderWay?
    var message: ProcessIdentity?
    /// The signal that the application was sent last because its time was over.
    var overtime: Int32?
    /// What is being done about the session's network, and when its names will be looked up again.
    var errand: NetworkErrand?
    var refreshing: UInt64?
    /// Who waits until it is taken away.
    var unplugging: [() -> Void] = []
    /// What the container's files say of names.
    var names = ContainerNames()
    /// Who waits for the end, and how long each of its steps takes at most.
    var ending: [Debt] = []
    var patience = Double.infinity
    /// The account as it was fixed at the end, before everything is removed.
    var ended: DisplayEnd?
    var lastScreenshot = -Double.infinity

    init(run: RunFolder, number: DisplayNumber) {
        self.run = run
        self.number = number
        folder = run.display(number)
        signals = clinux_child_signals()
    }

    /// Serves the listening socket `listener` until the display has ended.
    func serve(_ listener: Int32) {
        loop.watch(listener) { [self] _ in welcome(listener) }
        loop.watch(signals) { [self] _ in
            var record = [UInt8](repeating: 0, count: 1024)
            while read(signals, &record, record.count) > 0 {}
            reap()
        }
        loop.after(30) { [self] in if order == nil { giveUp() } }
        loop.run()
        close(listener)
    }

    func giveUp() { loop.stop() }

    /// The container's first process; nil without a container.
    var container: Int32? { run.isolation == .container ? written.first?.pid : nil }

    /// The application's exit, by what wait(2) says of it; one that ran until the display's end has no status, and one
    /// that ran out of time that of a killed one, however it took it.
    func applicationEnded(_ order: ApplicationOrder, _ status: Int32) {
        guard exit == nil else { return }
        var code = status & 0x7F == 0 ? (status >> 8) & 0xFF : 128 + (status & 0x7F)
        if let overtime { code = 128 + overtime }
        var end = account()
        end.status = state == .ending ? nil : Int(code)
        exited(end, order)
    }

    /// Takes note of every child that has ended.
    func reap() {
        var status: Int32 = 0
        while case let pid = waitpid(-1, &status, WNOHANG), pid > 0 {
            if pid == server {
                server = nil
                serverGone = true
            } else if let waiting = waitingLaunch, pid == waiting.child {
                waitingLaunch = nil
                waiting.forget()
            } else if let application, pid == application.pid {
                applicationEnded(application.order, status)
            } else if launching != nil {
                early[pid] = status
            }
        }
        if serverGone, making == nil, state != .ending { died() }
    }

    /// The application has ended: writes it down and, when it was by itself, tells it, with its last words when it failed.
    private func exited(_ end: DisplayEnd, _ order: ApplicationOrder) {
        exit = end
        try? writeFile(folder.exit, encoded(end))
        guard state != .ending else { return }
        guard end.status != 0 else { return tell(.applicationExited(end)) }
        readLogTail(order) { [self] tail in
            var end = end
            end.logTail = tail
            exit = end
            guard state != .ending else { return }
            try? writeFile(folder.exit, encoded(end))
            tell(.applicationExited(end))
        }
    }

    /// The account of the display as it stands: the clock runs until the application's own end.
    func account() -> DisplayEnd {
        if let ended { return ended }
        return DisplayEnd(
            display: number, session: written.session, key: order?.key, status: exit?.status,
            wallSeconds: exit?.wallSeconds ?? handedOver.map { now() - $0.at } ?? 0,
            cpuSeconds: handedOver.map { max(0, cpuSeconds - $0.cpu) } ?? 0, logTail: exit?.logTail)
    }

    /// The account, with an exit that nobody has taken note of yet.
    func accountNow() -> DisplayEnd {
        reap()
        return account()
    }

    /// CPU seconds of everything in the display since it was made.
    var cpuSeconds: Double { groups.cpuSeconds ?? clinux_children_cpu() + running(below: getpid()) }

    private func died() {
        log("display \(number): Xvnc ended by itself: \(serverLogTail())")
        state = .ending
        cutViewers()
        removeMessage()
        finishCheck(HostFailure(.displayBroken, "the display died"))
        launching?.abandon(HostFailure(.displayFailed, "the display died"))
        let end = account()
        ended = end
        noteState()
        func leave(_ end: DisplayEnd) {
            clean { [self] in
                if streams.isEmpty { run.remember(end) }
                tell(.displayDied(end))
                for debt in ending { pay(debt, .displayEnded(end)) }
                loop.stop()
            }
        }
        guard end.status != 0, end.logTail == nil, let application else { return leave(end) }
        readLogTail(application.order) { tail in
            var end = end
            end.logTail = tail
            leave(end)
        }
    }
}
