import Glibc
import HostProtocol
import SessionModel

extension Keeper {
    /// Takes a picture of the session's display, once in 10 seconds; answers when it is written.
    func screenshot(_ debt: Debt) throws(HostFailure) {
        guard state == .used, let order, let application else {
            throw HostFailure(.refused, "display \(number) shows no session")
        }
        guard now() >= lastScreenshot + 10 else {
            throw HostFailure(.tooOften, "a screenshot of display \(number) was just taken")
        }
        lastScreenshot = now()
        let screenshot = Screenshot(
            display: folder.rfb, displayUser: order.uid, order: application.order, password: order.password,
            groups: groups)
        let (child, pipe) = try screenshot.begin()
        ChildReport(pipe, loop: loop, within: Double(Screenshot.patience) + 0.5) { [self] said in
            guard let said else {
                // The child ends itself by an alarm; this one is held by a home that hangs.
                kill(child, SIGKILL)
                return pay(debt, .failed(HostFailure(.homeUnavailable, "the screenshot was not written in time")))
            }
            pay(debt, decoded(said) ?? .failed(HostFailure(.displayFailed, "no picture of the display in time")))
        }
    }
}
