import HostProtocol
import SessionModel

extension Keeper {
    /// Seconds that making and taking away may take.
    private static let patience = 8.0

    /// Plugs the container into the network that `order` asks for, if any, then lets the hand-over go on.
    func plug(
        _ order: ApplicationOrder, on display: DisplayOrder, _ debt: Debt, then start: @escaping () -> Void
    ) {
        guard let wanted = order.network, wanted.policy != .none, run.isolation == .container else { return start() }
        do throws(HostFailure) {
            guard let container else { throw HostFailure(.displayBroken, "display \(number) has no container") }
            let network = SessionNetwork(
                run: run, display: number, order: wanted, process: container, displayUser: display.uid)
            written.plugged = true
            try writeState()
            errand = try NetworkErrand(
                loop: loop, within: Self.patience, { () throws(HostFailure) in try network.make() }
            ) { [self] outcome in
                errand = nil
                switch outcome {
                case .failure(let failure):
                    unplug { [self] in refuse(failure, debt) }
                case .success(let report):
                    names = report.files
                    plugged(network, report)
                    start()
                }
            }
        } catch {
            unplug { [self] in refuse(error, debt) }
        }
    }

    /// The hand-over has failed; the display serves nobody, as before.
    private func refuse(_ failure: HostFailure, _ debt: Debt) {
        log("display \(number): network: \(failure.cause)")
        handedOver = nil
        if state == .used { state = .ready }
        pay(debt, .failed(HostFailure(failure.kind, "network: \(failure.cause)")))
    }

    /// Tells what it lacks, and looks names up again, and again.
    private func plugged(_ network: SessionNetwork, _ report: SessionNetwork.Report) {
        for target in report.lacking {
            log("display \(number): network: \(target) has no address, or only denied ones")
        }
        if network.order.policy == .open, report.files.resolver.isEmpty {
            log("display \(number): network: none of the host's name servers can be used from a container")
        }
        refresh(network, report.names)
    }

    private func refresh(_ network: SessionNetwork, _ known: [String: [String]]) {
        refreshing = loop.after(run.namesEvery) { [self] in
            let work = { () throws(HostFailure) in try network.refresh(known) }
            errand = try? NetworkErrand(loop: loop, within: 30, work) { [self] outcome in
                errand = nil
                guard unplugging.isEmpty else { return }
                switch outcome {
                case .success(let report): refresh(network, report.names)
                case .failure(let failure):
                    log("display \(number): network: \(failure.cause)")
                    refresh(network, known)
                }
            }
            if errand == nil { refresh(network, known) }
        }
    }

    /// Takes the session's network away, if it has one, then goes on.
    func unplug(then done: @escaping () -> Void) {
        guard written.plugged == true else { return done() }
        unplugging.append(done)
        guard unplugging.count == 1 else { return }
        loop.cancel(refreshing)
        errand?.abandon(HostFailure(.displayBusy, "the display is being ended"))
        let (run, number) = (run, number)
        let work = { () throws(HostFailure) in
            try SessionNetwork.remove(number, run)
            return SessionNetwork.Report()
        }
        do throws(HostFailure) {
            errand = try NetworkErrand(loop: loop, within: Self.patience, work) { [self] in unplugged($0) }
        } catch {
            unplugged(.failure(error))
        }
    }

    private func unplugged(_ outcome: Result<SessionNetwork.Report, HostFailure>) {
        if case .failure(let failure) = outcome { log("display \(number): network: \(failure.cause)") }
        errand = nil
        names = ContainerNames()
        written.plugged = nil
        try? writeState()
        let waiting = unplugging
        unplugging = []
        for done in waiting { done() }
    }
}
