import Glibc
import HostProtocol
import SessionModel

extension Keeper {
    /// Shows a message on the session's display, in place of one that is still there; answers when its window's program
    /// was executed.
    func show(_ text: String, seconds: Int, _ debt: Debt) {
        guard state == .used, exit == nil, let application else {
            return pay(debt, .failed(HostFailure(.refused, "no application runs on display \(number)")))
        }
        guard let program = programPath("xmessage") else {
            return pay(debt, .failed(HostFailure(.refused, "xmessage is not installed")))
        }
        let entry = DisplayEntry(
            display: number, session: application.order.session, account: application.order.account,
            container: container)
        let waiting: WaitingLaunch
        do throws(HostFailure) { waiting = try WaitingLaunch(in: groups) } catch {
            return pay(debt, .failed(error))
        }
        showing?.abandon(HostFailure(.refused, "another message took its place"))
        showing = LaunchUnderWay(
            waiting, .message(Message(text, seconds: seconds, program: program, entry: entry)), loop: loop, within: 5,
            late: HostFailure(.internalError, "xmessage was not executed in time")
        ) { [self] outcome in
            showing = nil
            switch outcome {
            case .failure(let failure):
                log("display \(number): message: \(failure.cause)")
                pay(debt, .failed(failure))
            case .success(let pid):
                message?.send(SIGKILL)
                message = ProcessIdentity(pid)
                pay(debt, .done)
            }
        }
    }

    /// Takes the message away, if there is one: an end does not wait for it.
    func removeMessage() {
        showing?.abandon(HostFailure(.refused, "the display is being ended"))
        message?.send(SIGKILL)
        message = nil
    }
}
