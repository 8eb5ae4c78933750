import Glibc
import HostProtocol
import SessionModel

extension Keeper {
    /// Shows a message on the session's display, in place of one that is still there; `done` hears of it when its
    /// window's program was executed.
    func show(_ text: String, seconds: Int, done: @escaping (HostReply) -> Void) {
        guard state == .used, exit == nil, let application else {
            return done(.failed(HostFailure(.refused, "no application runs on display \(number)")))
        }
        guard let program = programPath("xmessage") else {
            return done(.failed(HostFailure(.refused, "xmessage is not installed")))
        }
        let entry = DisplayEntry(
            display: number, session: application.order.session, account: application.order.account,
            container: container, limits: processLimits)
        let waiting: WaitingLaunch
        do throws(HostFailure) { waiting = try WaitingLaunch(in: groups) } catch {
            return done(.failed(error))
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
                done(.failed(failure))
            case .success(let pid):
                message?.send(SIGKILL)
                message = ProcessIdentity(pid)
                done(.done)
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
