import CLinux
import Glibc
import HostProtocol
import SessionModel

/// One synthetic display as agents and the data door find it: a folder with a keeper's sockets and state. It speaks as a
/// ``Keeper`` does and starts nothing; its picture is the painter's.
final class SyntheticDisplay {
    private typealias Debt = (to: LineStream, id: UInt64)

    let number: DisplayNumber
    private let folder: DisplayFolder
    private unowned let host: SyntheticHost
    private let lock: Int32
    private let listener: Int32
    private var door: Int32 = -1
    private let began = now()
    private var streams: [ObjectIdentifier: LineStream] = [:]
    private var order: DisplayOrder?
    private var state = DisplayReport.State.starting
    private var written = KeeperState()
    private var limits: ResourceLimits?
    /// The account at the end of the session's time, as an application's exit would be told.
    private var exit: DisplayEnd?
    private var ending: [Debt] = []
    private var isGone = false

    /// The display of that number on `host`, whose lock is held by `lock`; takes over both descriptors.
    init(_ number: DisplayNumber, on host: SyntheticHost, lock: Int32, listener: Int32) {
        self.number = number
        self.host = host
        self.lock = lock
        self.listener = listener
        folder = host.run.display(number)
        written.isSynthetic = true
        host.watch(listener) { [self] in
            let fd = accept(listener, nil, nil)
            if fd >= 0 { welcome(fd) }
        }
    }

    private func welcome(_ fd: Int32) {
        _ = fcntl(fd, F_SETFD, FD_CLOEXEC)
        var known: ObjectIdentifier?
        let stream = LineStream(loop: host.loop, input: fd, output: fd) { [self] bytes in
            guard let known, let stream = streams[known], let call: HostCall = decoded(bytes) else { return }
            answer(call, (stream, call.id))
        } ended: { [self] in
            if let known { streams[known] = nil }
            // Whoever began with it has died before it gave its order.
            if order == nil, streams.isEmpty { remove() }
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
                version: maxwellVersion, bootID: "", isolation: host.run.isolation.rawValue, dataSocket: "",
                inventory: [report]))
    }

    private func noteState() {
        written.state = state
        writeState()
        tell(hello)
    }

    private func tell(_ message: HostMessage) { for stream in streams.values { stream.send(message) } }

    private func writeState() { try? writeFile(folder.state, encoded(written)) }

    private func pay(_ debt: Debt, _ reply: HostReply) { debt.to.send(HostMessage.reply(id: debt.id, reply)) }

    // MARK: Requests

    private func answer(_ call: HostCall, _ debt: Debt) {
        do throws(HostFailure) {
            if let now = try reply(to: call.request, debt) { pay(debt, now) }
        } catch {
            pay(debt, .failed(error))
        }
    }

    /// The reply; nil where it comes later.
    private func reply(to request: HostRequest, _ debt: Debt) throws(HostFailure) -> HostReply? {
        switch request {
        case .makeDisplay(let order):
            try make(order)
            return .displayReady
        case .startApplication(let order):
            try check(order.key ?? self.order?.key)
            try start(order)
            return .applicationStarted
        case .endDisplay(_, let key, _):
            if let key { try check(key) }
            end(debt)
            return nil
        case .account(_, let key):
            try check(key)
            try requireSession()
            return .account(account)
        case .message(_, let key, _, _):
            try check(key)
            try requireSession()
            return .done
        case .inventory: return .inventory([report])
        case .screenshot: throw HostFailure(.refused, "a synthetic display has no screenshots")
        case .ping, .makeHome, .check, .homeUsage, .setQuota, .cleanAccount, .purge:
            throw HostFailure(.refused, "not a keeper's request")
        }
    }

    private func check(_ key: Secret?) throws(HostFailure) {
        guard key == order?.key else { throw HostFailure(.displayUnknown, "display \(number) has another key") }
    }

    private func requireSession() throws(HostFailure) {
        guard written.session != nil else {
            throw HostFailure(.displayUnknown, "display \(number) has no session")
        }
    }

    private func make(_ order: DisplayOrder) throws(HostFailure) {
        guard self.order == nil, state == .starting else {
            throw HostFailure(.displayBusy, "display \(number) stands")
        }
        guard order.synthetic else { throw HostFailure(.refused, "display \(number) is synthetic") }
        let door = try listenUnix(folder.door, SOCK_DGRAM)
        self.door = door
        self.order = order
        written.template = host.template
        written.key = order.key
        written.boot = RunFolder.kernelBoot
        host.watch(door) { [self] in admit(door) }
        host.painter?.say(.stand(number, order.geometry, password: order.password))
        state = .ready
        noteState()
    }

    /// A session begins; nothing is started.
    private func start(_ order: ApplicationOrder) throws(HostFailure) {
        guard state == .ready, let display = self.order else {
            throw HostFailure(.displayBusy, "display \(number) is \(state.rawValue)")
        }
        guard order.limits.isValid else { throw HostFailure(.refused, "limits that are out of range") }
        if order.geometry != display.geometry { host.painter?.say(.resize(number, order.geometry)) }
        limits = order.limits
        written.session = order.session
        written.handedOver = UseMark(at: now(), cpu: 0)
        state = .used
        noteState()
    }

    /// Lets a viewer with the right key through to the painter.
    private func admit(_ door: Int32) {
        var words = [UInt8](repeating: 0, count: 128)
        var viewer: Int32 = -1
        let count = clinux_receive_descriptor(door, &words, words.count, &viewer)
        guard count >= 0, viewer >= 0 else { return }
        guard let order, state != .ending, equalInConstantTime(words[..<count], Array(order.key.exposed.utf8)),
            let painter = host.painter
        else {
            _ = writeAll(Array("NO such display or key\n".utf8), to: viewer)
            close(viewer)
            return
        }
        guard writeAll(Array("OK\n".utf8), to: viewer) else {
            close(viewer)
            return
        }
        // The painter may not: fcntl(2) would also send signals (F_SETOWN).
        makeNonblocking(viewer)
        painter.say(.admit(number), with: viewer)
    }

    // MARK: Time

    /// Called about once a second.
    func tick(_ second: Int) {
        if order == nil, now() > began + 30 { return remove() }
        guard state == .used, exit == nil, let handedOver = written.handedOver else { return }
        if let limit = limits?.wallTime, limit > 0, now() >= handedOver.at + Double(limit) {
            log("display \(number): the session's time is over, \(limit) s")
            var end = account
            end.status = 128 + Int(SIGHUP)
            exit = end
            try? writeFile(folder.exit, encoded(end))
            return tell(.applicationExited(end))
        }
        // Hundreds of displays would write all the time; all that an older beat costs is time that nobody is charged.
        if (second + number.value).isMultiple(of: 30) {
            written.beat = UseMark(at: now(), cpu: 0)
            writeState()
        }
    }

    /// What the session has used: time.
    private var account: DisplayEnd {
        exit
            ?? DisplayEnd(
                display: number, session: written.session, key: order?.key, status: nil,
                wallSeconds: written.handedOver.map { now() - $0.at } ?? 0, cpuSeconds: 0)
    }

    // MARK: The end

    private func end(_ debt: Debt) {
        ending.append(debt)
        guard state != .ending else { return }
        state = .ending
        noteState()
        guard order != nil, let painter = host.painter else { return fallen() }
        painter.say(.fall(number))
    }

    /// Its viewers are gone: so is all the rest.
    func fallen() {
        guard state == .ending else { return }
        let end = account
        let owed = ending
        remove {
            for debt in owed { self.pay(debt, .displayEnded(end)) }
        }
    }

    /// Removes what there is of it, calls `tell` when the number is free, and hangs up.
    private func remove(then tell: () -> Void = {}) {
        // A peer that is found to be gone while it is told of the end asks for it again.
        guard !isGone else { return }
        isGone = true
        for fd in [listener, door] where fd >= 0 {
            host.forget(fd)
            close(fd)
        }
        removeTree(folder.path)
        // The number is free before anyone hears of the end.
        close(lock)
        tell()
        for stream in streams.values { stream.close() }
        streams = [:]
        host.forget(self)
    }
}
