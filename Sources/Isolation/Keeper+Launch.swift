import HostProtocol
import SessionModel

extension Keeper {
    /// Brings the application into the display, which is checked, in a child; answers when it was executed.
    func start(_ order: ApplicationOrder, on display: DisplayOrder, _ debt: Debt) {
        let unbound = groups.boundSession(order.limits)
        if !unbound.isEmpty, run.isolation == .container {
            log("display \(number): nothing bounds \(unbound.map(\.rawValue).joined(separator: ", "))")
        }
        processLimits = ProcessLimits(order.limits, unbound: unbound)
        var launch = ApplicationLaunch(
            order, displayUser: display.uid, cookie: cookie, container: container, limits: processLimits)
        launch.names = names
        do throws(HostFailure) {
            begunFor = order.account.uid
            written.session = order.session
            written.account = order.account
            written.handedOver = handedOver
            try writeState()
            let waiting: WaitingLaunch
            if let ready = waitingLaunch { waiting = ready } else { waiting = try WaitingLaunch(in: groups) }
            waitingLaunch = nil
            launching = LaunchUnderWay(
                waiting, .application(launch), loop: loop, within: 10,
                late: HostFailure(.homeUnavailable, "\(order.account.home) does not answer")
            ) { [self] in
                finishLaunch(order, $0, debt)
            }
        } catch {
            finishLaunch(order, .failure(error), debt)
        }
    }

    /// Seconds that the notice of a start stays, unless it is clicked away.
    private static let noticeTime = 3600

    private static let fullHome = """
        Your home folder is full. The files of this session are kept in memory and are lost when it ends: please delete files \
        that you no longer need, and start it again.
        """

    /// The display serves nobody, as before a launch that failed.
    private func forgetSession() {
        written.session = nil
        written.account = nil
        written.handedOver = nil
        handedOver = nil
    }

    /// The launch is over.
    private func finishLaunch(_ order: ApplicationOrder, _ outcome: Result<Int32, HostFailure>, _ debt: Debt) {
        let homeIsFull = launching?.homeIsFull ?? false
        if case .image(let name) = order.tree, launching?.imageIsMounted == true { ContainerImage.release(name) }
        launching = nil
        let ended = early
        early = [:]
        switch outcome {
        case .failure(let failure):
            unplug { [self] in
                state = state == .used ? .ready : state
                forgetSession()
                pay(debt, .failed(failure))
                noteState()
            }
        case .success(let pid):
            connection?.close()
            connection = nil
            application = (pid, order)
            written.application = ProcessIdentity(pid)
            noteState()
            pay(debt, .applicationStarted)
            watchTime(of: order)
            beat()
            if let status = ended[pid] { applicationEnded(order, status) }
            reap()
            if let notice = homeIsFull ? Self.fullHome : order.notice {
                show(notice, seconds: Self.noticeTime) { _ in }
            }
        }
    }

    /// Notes, again and again, until when the application has certainly run: nobody else knows it after the death of all.
    private func beat() {
        guard exit == nil, ended == nil else { return }
        written.beat = UseMark(at: now(), cpu: cpuSeconds)
        try? writeState()
        loop.after(5) { [self] in beat() }
    }
}
