import Glibc
import HostProtocol
import SessionModel

extension Keeper {
    /// Takes a picture of the session's display, once in 10 seconds; answers when it is written.
    func screenshot(_ debt: Debt) {
        guard state == .used, let order, let application else {
            return pay(debt, .failed(HostFailure(.refused, "display \(number) shows no session")))
        }
        guard now() >= lastScreenshot + 10 else {
            return pay(debt, .failed(HostFailure(.tooOften, "a screenshot of display \(number) was just taken")))
        }
        lastScreenshot = now()
        let screenshot = Screenshot(
            display: folder.rfb, displayUser: order.uid, order: application.order, password: order.password)
        let child: Int32
        let report: Int32
        do throws(HostFailure) { (child, report) = try screenshot.begin() } catch {
            return pay(debt, .failed(error))
        }
        var said: [UInt8] = []
        func finish(_ reply: HostReply) {
            loop.forget(report)
            close(report)
            pay(debt, reply)
        }
        // The child ends itself by an alarm; this is for one that a hanging home holds.
        let timer = loop.after(Double(Screenshot.patience) + 0.5) {
            kill(child, SIGKILL)
            finish(.failed(HostFailure(.homeUnavailable, "the screenshot was not written in time")))
        }
        loop.watch(report) { [self] _ in
            var part = [UInt8](repeating: 0, count: 4096)
            let count = read(report, &part, part.count)
            if count > 0 { said += part[..<count] }
            guard count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR) else { return }
            loop.cancel(timer)
            finish(decoded(said) ?? .failed(HostFailure(.displayFailed, "no picture of the display in time")))
        }
    }
}
