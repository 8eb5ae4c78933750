import Glibc
import HostProtocol
import SessionModel

/// Who has a display and speaks for it: its ``Keeper``, or the host's synthetic process (``SyntheticDisplay``).
///
/// It talks `HostCall` and `HostMessage` lines with every `serve` that connects. Each is told hello when it comes, and
/// the application's exit if that was before; all are told hello again whenever the state changes.
protocol DisplaySpeaker: AnyObject {
    /// A reply that is still owed, and to whom.
    typealias Debt = (to: LineStream, id: UInt64)

    var run: RunFolder { get }
    var number: DisplayNumber { get }
    var folder: DisplayFolder { get }
    var loop: Loop { get }
    var streams: [ObjectIdentifier: LineStream] { get set }
    var order: DisplayOrder? { get }
    var state: DisplayReport.State { get }
    var written: KeeperState { get set }
    /// The account at the application's end.
    var exit: DisplayEnd? { get }

    /// Ends it: whoever began with the display has gone before it gave its order.
    func giveUp()
    /// Makes the display; answers when it stands.
    func make(_ order: DisplayOrder, _ debt: Debt) throws(HostFailure)
    /// Gives `display`, which is ready, to an application; answers when that runs.
    func handOver(_ order: ApplicationOrder, on display: DisplayOrder, _ debt: Debt) throws(HostFailure)
    /// Ends the display, with `patience` seconds between its steps; answers when nothing is left.
    func end(_ debt: Debt, patience: Double)
    /// What the session has used until this moment.
    func accountNow() -> DisplayEnd
    /// Shows a message to the session's user.
    func show(_ text: String, seconds: Int, done: @escaping (HostReply) -> Void)
    /// Takes a picture of the session's display; answers when it is written.
    func screenshot(_ debt: Debt) throws(HostFailure)
}

extension DisplaySpeaker {
    /// Takes a connection of an agent's.
    func welcome(_ listener: Int32) {
        let fd = accept(listener, nil, nil)
        guard fd >= 0 else { return }
        _ = fcntl(fd, F_SETFD, FD_CLOEXEC)
        var known: ObjectIdentifier?
        let stream = LineStream(loop: loop, input: fd, output: fd) { [self] bytes in
            guard let known, let stream = streams[known], let call: HostCall = decoded(bytes) else { return }
            answer(call, (stream, call.id))
        } ended: { [self] in
            if let known { streams[known] = nil }
            if order == nil, streams.isEmpty { giveUp() }
        }
        known = ObjectIdentifier(stream)
        streams[ObjectIdentifier(stream)] = stream
        stream.send(hello)
        if let exit { stream.send(HostMessage.applicationExited(exit)) }
    }

    private var report: DisplayReport {
        DisplayReport(
            display: number, state: state, session: written.session, template: written.template, key: order?.key)
    }

    private var hello: HostMessage {
        .hello(
            HostHello(
                version: maxwellVersion, bootID: "", isolation: run.isolation.rawValue, dataSocket: "",
                inventory: [report]))
    }

    /// Writes the state down and tells it.
    func noteState() {
        written.state = state
        try? writeState()
        tell(hello)
    }

    /// Writes down what a cleaner after our death would need.
    func writeState() throws(HostFailure) { try writeFile(folder.state, encoded(written)) }

    /// Tells every controller.
    func tell(_ message: HostMessage) { for stream in streams.values { stream.send(message) } }

    /// Sends a reply that was owed.
    func pay(_ debt: Debt, _ reply: HostReply) { debt.to.send(HostMessage.reply(id: debt.id, reply)) }

    // MARK: Requests

    private func answer(_ call: HostCall, _ debt: Debt) {
        do throws(HostFailure) { try obey(call.request, debt) } catch { pay(debt, .failed(error)) }
    }

    private func obey(_ request: HostRequest, _ debt: Debt) throws(HostFailure) {
        switch request {
        case .makeDisplay(let order):
            guard self.order == nil, state == .starting else {
                throw HostFailure(.displayBusy, "display \(number) stands")
            }
            try make(order, debt)
        case .startApplication(let order):
            if let key = order.key { try check(key) }
            guard state == .ready, let display = self.order else {
                throw HostFailure(.displayBusy, "display \(number) is \(state.rawValue)")
            }
            guard order.limits.isValid else { throw HostFailure(.refused, "limits that are out of range") }
            try handOver(order, on: display, debt)
        case .endDisplay(_, let key, let patience):
            if let key { try check(key) }
            end(debt, patience: max(0, min(patience, 3600)))
        case .account(_, let key):
            try check(key)
            guard written.session != nil else { throw noSession }
            pay(debt, .account(accountNow()))
        case .message(_, let key, let text, let seconds):
            try check(key)
            show(text, seconds: seconds) { [self] in pay(debt, $0) }
        case .inventory: pay(debt, .inventory([report]))
        case .screenshot: try screenshot(debt)
        case .ping, .makeHome, .check, .homeUsage, .setQuota, .cleanAccount, .purge:
            throw HostFailure(.refused, "not a keeper's request")
        }
    }

    private func check(_ key: Secret) throws(HostFailure) {
        guard key == order?.key else { throw HostFailure(.displayUnknown, "display \(number) has another key") }
    }

    /// Why nothing can be said of a session.
    var noSession: HostFailure { HostFailure(.displayUnknown, "display \(number) has no session") }
}
