import CLinux
import FoundationEssentials
import Glibc
import HostProtocol
import SessionModel

/// One display's parent: starts its container, brings the application in, owns exit statuses and the end.
///
/// A single-threaded poll loop. It talks `HostCall` and `HostMessage` lines with every `serve` that connects.
final class Keeper {
    /// A reply that is still owed, and to whom.
    typealias Debt = (to: LineStream, id: UInt64)

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
    var making: Debt?
    var launching: (debt: Debt, order: ApplicationOrder, child: Int32, report: Int32, text: String, timer: UInt64)?
    var application: (pid: Int32, order: ApplicationOrder, started: Double)?
    var exit: DisplayEnd?
    var ending: [Debt] = []
    var lastScreenshot = -Double.infinity

    init(run: RunFolder, number: DisplayNumber) {
        self.run = run
        self.number = number
        folder = run.display(number)
        signals = clinux_child_signals()
    }

    /// Serves the listening socket `listener` until the display has ended.
    func serve(_ listener: Int32) {
        loop.watch(listener) { [self] _ in
            let fd = accept(listener, nil, nil)
            if fd >= 0 { welcome(fd) }
        }
        loop.watch(signals) { [self] _ in
            var record = [UInt8](repeating: 0, count: 1024)
            while read(signals, &record, record.count) > 0 {}
            reap()
        }
        loop.after(30) { [self] in if order == nil { loop.stop() } }
        loop.run()
        close(listener)
    }

    private func welcome(_ fd: Int32) {
        _ = fcntl(fd, F_SETFD, FD_CLOEXEC)
        var known: ObjectIdentifier?
        let stream = LineStream(loop: loop, input: fd, output: fd) { [self] bytes in
            guard let known, let stream = streams[known], let call: HostCall = decoded(bytes) else { return }
            answer(call, (stream, call.id))
        } ended: { [self] in
            if let known { streams[known] = nil }
        }
        known = ObjectIdentifier(stream)
        streams[ObjectIdentifier(stream)] = stream
        stream.send(
            HostMessage.hello(
                HostHello(
                    version: maxwellVersion, bootID: "", isolation: run.isolation.rawValue, dataSocket: "",
                    inventory: [report])))
        if let exit { stream.send(HostMessage.applicationExited(exit)) }
    }

    private var report: DisplayReport { DisplayReport(display: number, state: state, session: written.session) }

    private func answer(_ call: HostCall, _ debt: Debt) {
        switch call.request {
        case .makeDisplay(let order): make(order, debt)
        case .startApplication(let order): start(order, debt)
        case .endDisplay(_, let key, let patience):
            guard key == nil || key == self.order?.key else {
                return pay(debt, .failed(HostFailure(.displayUnknown, "display \(number) has another key")))
            }
            end(debt, patience: max(0, min(patience, 3600)))
        case .screenshot: screenshot(debt)
        case .ping, .makeHome, .check: pay(debt, .failed(HostFailure(.refused, "not a keeper's request")))
        }
    }

    /// Sends a reply that was owed.
    func pay(_ debt: Debt, _ reply: HostReply) { debt.to.send(HostMessage.reply(id: debt.id, reply)) }

    /// Tells every controller.
    func tell(_ message: HostMessage) { for stream in streams.values { stream.send(message) } }

    /// Writes down what a cleaner after our death would need.
    func writeState() throws(HostFailure) { try writeFile(folder.state, encoded(written)) }

    // MARK: The display

    private func make(_ order: DisplayOrder, _ debt: Debt) {
        guard self.order == nil else {
            return pay(debt, .failed(HostFailure(.displayBusy, "display \(number) stands")))
        }
        self.order = order
        making = debt
        do throws(HostFailure) {
            try startServer(order)
        } catch {
            return failMaking(error)
        }
        awaitGreeting(until: now() + 10)
    }

    private func startServer(_ order: DisplayOrder) throws(HostFailure) {
        guard order.uid != 0, [8, 16, 24].contains(order.depth), (1...8).contains(order.password.exposed.utf8.count)
        else { throw HostFailure(.refused, "uid, depth or password out of range") }
        try makeFolder(folder.server, 0o700)
        var generator = SystemRandomNumberGenerator()
        cookie = (0..<16).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
        try writeFile(
            folder.server + "/auth", Container.authority(display: number, cookie: cookie), owner: order.uid)
        try writeFile(
            folder.server + "/passwd", Container.passwordFile(order.password), owner: order.uid)
        guard chown(folder.server, order.uid, order.uid) == 0 else { throw failure("chown") }
        let door = try listenUnix(folder.door, SOCK_DGRAM)
        loop.watch(door) { [self] _ in admit(door) }
        if run.isolation == .container { groups = ControlGroups(making: run.groupName(of: number)) }
        written.groups = groups.folders
        try writeState()

        let output = open(folder.serverLog, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0o600)
        let input = open("/dev/null", O_RDONLY | O_CLOEXEC)
        guard output >= 0, input >= 0 else { throw failure("open \(folder.serverLog)") }
        defer {
            close(output)
            close(input)
        }
        switch run.isolation {
        case .none:
            server = try launch(
                Container.plain(order, run.displayServer, folder), environment: plainEnvironment,
                descriptors: [input, output, output]
            ) { setsid() }
            written.first = server.flatMap { ProcessIdentity($0) }
        case .container:
            var filter: [Int32] = [-1, -1]
            var information: [Int32] = [-1, -1]
            guard pipe(&filter) == 0, pipe(&information) == 0 else { throw failure("pipe") }
            let whole = writeAll(SyscallFilter.bytes, to: filter[1])
            close(filter[1])
            defer {
                close(filter[0])
                close(information[0])
            }
            let groups = self.groups
            let began: Int32
            do throws(HostFailure) {
                guard whole else { throw failure("pipe") }
                began = try launch(
                    Container.wrapped(order, run.displayServer, folder, filter: 3, information: 4),
                    environment: plainEnvironment,
                    descriptors: [input, output, output, filter[0], information[1]]
                ) { groups.enter() }
            } catch {
                close(information[1])
                throw error
            }
            close(information[1])
            server = began
            var told: [UInt8] = []
            var part = [UInt8](repeating: 0, count: 512)
            while true {
                let count = read(information[0], &part, part.count)
                if count < 0 && errno == EINTR { continue }
                if count <= 0 { break }
                told += part[..<count]
            }
            struct Information: Decodable {
                let pid: Int32
                enum CodingKeys: String, CodingKey { case pid = "child-pid" }
            }
            guard let inner: Information = decoded(told) else {
                throw HostFailure(.displayFailed, "bubblewrap did not start: \(serverLogTail())")
            }
            written.first = ProcessIdentity(inner.pid)
        }
        try writeState()
    }

    private func awaitGreeting(until deadline: Double) {
        guard let debt = making else { return }
        if serverGone { return failMaking(PlainDisplay.failure(log: serverLogTail())) }
        if now() > deadline { return failMaking(HostFailure(.displayFailed, "Xvnc is silent: \(serverLogTail())")) }
        guard let fd = connectUnix(folder.rfb) else {
            loop.after(0.002) { [self] in awaitGreeting(until: deadline) }
            return
        }
        let slow = loop.after(max(0, deadline - now())) { [self] in
            loop.forget(fd)
            close(fd)
            awaitGreeting(until: 0)
        }
        loop.watch(fd) { [self] _ in
            var greeting = [UInt8](repeating: 0, count: 12)
            let count = read(fd, &greeting, 12)
            loop.cancel(slow)
            loop.forget(fd)
            close(fd)
            guard making != nil else { return }
            guard count >= 4, Array(greeting[..<4]) == Array("RFB ".utf8) else {
                loop.after(0.002) { [self] in awaitGreeting(until: deadline) }
                return
            }
            making = nil
            state = .ready
            pay(debt, .displayReady)
        }
    }

    private func failMaking(_ failure: HostFailure) {
        guard let debt = making else { return }
        making = nil
        log("display \(number): \(failure.kind.rawValue): \(failure.cause)")
        state = .ending
        clean { [self] in
            pay(debt, .failed(failure))
            loop.stop()
        }
    }

    private func serverLogTail() -> String {
        let lines = text(of: folder.serverLog)?.split(separator: "\n").suffix(4) ?? []
        return lines.joined(separator: " | ")
    }

    // MARK: The application

    private func start(_ order: ApplicationOrder, _ debt: Debt) {
        guard state == .ready, launching == nil, let display = self.order else {
            return pay(debt, .failed(HostFailure(.displayBusy, "display \(number) is \(state.rawValue)")))
        }
        guard order.account.uid != 0, order.account.gid != 0, order.account.home.hasPrefix("/"),
            !order.account.home.split(separator: "/").contains(".."), order.account.home != "/"
        else { return pay(debt, .failed(HostFailure(.refused, "not an account that may run here"))) }
        let launch = ApplicationLaunch(
            order: order, displayUser: display.uid, cookie: cookie, groups: groups,
            container: run.isolation == .container ? written.first?.pid : nil)
        do throws(HostFailure) {
            written.session = order.session
            written.account = order.account
            try writeState()
            let (child, report) = try launch.begin()
            let timer = loop.after(10) { [self] in
                kill(child, SIGKILL)
                finishLaunch(HostFailure(.homeUnavailable, "\(order.account.home) does not answer"))
            }
            launching = (debt, order, child, report, "", timer)
            state = .used
            loop.watch(report) { [self] _ in readLaunch() }
        } catch {
            forgetSession()
            pay(debt, .failed(error))
        }
    }

    /// The display serves nobody, as before a launch that failed.
    private func forgetSession() {
        written.session = nil
        written.account = nil
        try? writeState()
    }

    private func readLaunch() {
        guard let report = launching?.report else { return }
        var part = [UInt8](repeating: 0, count: 4096)
        let count = read(report, &part, part.count)
        if count > 0 {
            launching?.text += String(decoding: part[..<count], as: UTF8.self)
        } else if count == 0 || (errno != EAGAIN && errno != EINTR) {
            finishLaunch(nil)
        }
    }

    private func finishLaunch(_ given: HostFailure?) {
        guard let launching else { return }
        self.launching = nil
        loop.cancel(launching.timer)
        loop.forget(launching.report)
        close(launching.report)
        var failure = given
        var pid: Int32?
        for line in launching.text.split(separator: "\n") {
            switch line.prefix(2) {
            case "P ": pid = Int32(line.dropFirst(2))
            case "H ":
                let kind: HostFailure.Kind = line.hasSuffix("No space left on device") ? .diskFull : .homeUnavailable
                failure = HostFailure(kind, String(line.dropFirst(2)))
            case "E ": failure = HostFailure(.applicationFailed, String(line.dropFirst(2)))
            default: break
            }
        }
        if failure == nil, pid == nil { failure = HostFailure(.applicationFailed, "the launch was killed") }
        if let failure {
            state = state == .used ? .ready : state
            forgetSession()
            pay(launching.debt, .failed(failure))
            return
        }
        guard let pid else { return }
        application = (pid, launching.order, now())
        written.application = ProcessIdentity(pid)
        try? writeState()
        pay(launching.debt, .applicationStarted)
        reap()
    }

    // MARK: Children

    private func reap() {
        var status: Int32 = 0
        while case let pid = waitpid(-1, &status, WNOHANG), pid > 0 {
            if pid == server {
                server = nil
                serverGone = true
            } else if let application, pid == application.pid, exit == nil {
                let code = status & 0x7F == 0 ? (status >> 8) & 0xFF : 128 + (status & 0x7F)
                let end = account(status: Int(code))
                exit = end
                if state != .ending {
                    try? writeFile(folder.exit, encoded(end))
                    tell(.applicationExited(end))
                }
            }
        }
        if serverGone, making == nil, state != .ending { died() }
    }

    /// The account of the display as it stands.
    func account(status: Int?) -> DisplayEnd {
        DisplayEnd(
            display: number, session: written.session, status: status,
            wallSeconds: application.map { now() - $0.started } ?? 0,
            cpuSeconds: groups.cpuSeconds ?? clinux_children_cpu())
    }

    private func died() {
        log("display \(number): Xvnc ended by itself: \(serverLogTail())")
        state = .ending
        let end = exit ?? account(status: nil)
        finishLaunch(HostFailure(.displayFailed, "the display died"))
        clean { [self] in
            if streams.isEmpty { run.remember(end) }
            tell(.displayDied(end))
            for debt in ending { pay(debt, .displayEnded(end)) }
            loop.stop()
        }
    }

    // MARK: Viewers

    private func admit(_ door: Int32) {
        var words = [UInt8](repeating: 0, count: 128)
        var viewer: Int32 = -1
        let count = clinux_receive_descriptor(door, &words, words.count, &viewer)
        guard count >= 0, viewer >= 0 else { return }
        guard let order, state != .ending, equalInConstantTime(words[..<count], Array(order.key.exposed.utf8)),
            let display = connectUnix(folder.rfb)
        else {
            _ = writeAll(Array("NO such display or key\n".utf8), to: viewer)
            close(viewer)
            return
        }
        guard writeAll(Array("OK\n".utf8), to: viewer) else {
            close(viewer)
            close(display)
            return
        }
        let mover = ByteMover(loop: loop, viewer: viewer, display: display) { [self] mover in
            movers[ObjectIdentifier(mover)] = nil
        }
        if let mover {
            movers[ObjectIdentifier(mover)] = mover
        } else {
            close(viewer)
            close(display)
        }
    }
}

/// Compares without telling by its time where the difference is.
func equalInConstantTime(_ left: some Collection<UInt8>, _ right: some Collection<UInt8>) -> Bool {
    guard left.count == right.count else { return false }
    return zip(left, right).reduce(0) { $0 | ($1.0 ^ $1.1) } == 0
}
