import HostProtocol
import SessionModel

extension Keeper {
    /// Seconds a ready display has to show a pixel, at the application's size.
    private static let patience = 2.0

    /// Gives the display to an application: is it current, does it live, has it the size? Then it is launched. A display
    /// that fails here stays, to be ended.
    func handOver(_ order: ApplicationOrder, on display: DisplayOrder, _ debt: Debt) throws(HostFailure) {
        guard order.account.uid != 0, order.account.gid != 0, order.account.uid != display.uid,
            order.account.home.hasPrefix("/"), !order.account.home.split(separator: "/").contains(".."),
            order.account.home != "/"
        else { throw HostFailure(.refused, "not an account that may run here") }
        guard begunFor == nil || begunFor == order.account.uid else {
            throw HostFailure(.displayBroken, "a start for another user has failed on it")
        }
        guard written.template == run.template else {
            throw HostFailure(.displayStale, "its programs have changed since it was made")
        }
        guard let connection else { throw HostFailure(.displayBroken, "nobody watches display \(number)") }
        state = .used
        checking = debt
        handedOver = UseMark(at: now(), cpu: cpuSeconds)
        connection.look(size: order.geometry, within: Self.patience) { [self] fault in
            if let fault { return finishCheck(HostFailure(.displayBroken, fault)) }
            guard let debt = checking else { return }
            checking = nil
            plug(order, on: display, debt) { [self] in start(order, on: display, debt) }
        }
    }

    /// The check is over without success.
    func finishCheck(_ failure: HostFailure) {
        guard let debt = checking else { return }
        checking = nil
        handedOver = nil
        if state == .used { state = .ready }
        log("display \(number): \(failure.kind.rawValue): \(failure.cause)")
        pay(debt, .failed(failure))
    }
}
