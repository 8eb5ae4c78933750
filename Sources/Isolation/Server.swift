import CLinux
import FoundationEssentials
import Glibc
import HostProtocol
import SessionModel

/// The agent at the end of a controller's channel: reads requests, routes them to keepers, tells events.
final class Server {
    private final class Link {
        let stream: LineStream
        var report: DisplayReport?
        /// Requests the keeper has not answered.
        var owed: [UInt64: HostRequest] = [:]
        /// What the keeper said of its end: passed on when its process has gone too.
        var farewell: [HostMessage] = []
        init(_ stream: LineStream) { self.stream = stream }
    }

    private let run: RunFolder
    private let loop = Loop()
    private var tell: (HostMessage) -> Void = { _ in }
    /// Somebody on this host asks, not a controller: deaths are kept for one.
    private let isLocal: Bool
    private var links: [DisplayNumber: Link] = [:]
    /// The inventory is complete: events may be told.
    private var greeted = false
    private var early: [HostMessage] = []

    private init(run: RunFolder, isLocal: Bool) {
        self.run = run
        self.isLocal = isLocal
    }

    /// Serves standard input and output until the input ends.
    public static func main(run: RunFolder) throws(HostFailure) {
        clinux_ignore_signal(SIGPIPE)
        clinux_ignore_signal(SIGCHLD)
        try run.prepare()
        let server = Server(run: run, isLocal: false)
        server.keepData()
        let channel = LineStream(loop: server.loop, input: 0, output: 1) { bytes in
            server.received(bytes)
        } ended: {
            server.loop.stop()
        }
        server.tell = { channel.send($0) }
        server.takeInventory()
        server.loop.run()
    }

    /// Does one request of this host's own and answers its reply.
    static func once(run: RunFolder, _ request: HostRequest) throws(HostFailure) -> HostReply {
        clinux_ignore_signal(SIGPIPE)
        clinux_ignore_signal(SIGCHLD)
        try run.prepare()
        let server = Server(run: run, isLocal: true)
        try server.startData()
        server.greeted = true
        var answer: HostReply?
        server.tell = { message in
            guard case .reply(_, let reply) = message else { return }
            answer = reply
            server.loop.stop()
        }
        server.perform(HostCall(id: 1, request: request))
        if answer == nil { server.loop.run() }
        guard let answer else { throw HostFailure(.internalError, "no answer") }
        return answer
    }

    private func send(_ message: HostMessage) {
        if greeted { tell(message) } else { early.append(message) }
    }

    private func reply(_ id: UInt64, _ reply: HostReply) { tell(HostMessage.reply(id: id, reply)) }

    // MARK: What runs here

    private func takeInventory() {
        for number in run.displays where links[number] == nil {
            if !connect(number) { cleanUp(number) }
        }
        for end in run.takeRemembered() { send(.displayDied(end)) }
        let deadline = loop.after(2) { [self] in greet() }
        func wait() {
            if links.values.allSatisfy({ $0.report != nil }) {
                loop.cancel(deadline)
                return greet()
            }
            if !greeted { loop.after(0.001, wait) }
        }
        wait()
    }

    /// The displays that controllers may end when they do not know them.
    private var inventory: [DisplayReport] {
        links.values.compactMap(\.report).filter { !wasMadeByHand($0.display) }.sorted { $0.display < $1.display }
    }

    private func wasMadeByHand(_ display: DisplayNumber) -> Bool {
        access(run.display(display).madeByHand, F_OK) == 0
    }

    private func greet() {
        guard !greeted else { return }
        greeted = true
        let template = run.template
        tell(
            HostMessage.hello(
                HostHello(
                    version: maxwellVersion, bootID: run.bootID(), isolation: run.isolation.rawValue,
                    dataSocket: run.dataSocket, inventory: inventory, template: template,
                    load: HostLoad(run, template: template))))
        for message in early { tell(message) }
        early = []
        watchForOthers()
        tellLoad(after: template, silentFor: 0)
    }

    /// Tells the load every 5 seconds, and as soon as it shows that the template is no longer `known`.
    private func tellLoad(after known: String, silentFor seconds: Int) {
        loop.after(1) { [self] in
            let template = run.template
            guard template != known || seconds >= 4 else { return tellLoad(after: known, silentFor: seconds + 1) }
            tell(.load(HostLoad(run, template: template)))
            tellLoad(after: template, silentFor: 0)
        }
    }

    /// Finds displays that other controllers' agents started here.
    private func watchForOthers() {
        loop.after(5) { [self] in
            for number in run.displays where links[number] == nil {
                if !connect(number) { cleanUp(number) }
            }
            for end in run.takeRemembered() { send(.displayDied(end)) }
            watchForOthers()
        }
    }

    private func connect(_ number: DisplayNumber) -> Bool {
        guard let fd = connectUnix(run.display(number).keeper) else { return false }
        let stream = LineStream(loop: loop, input: fd, output: fd) { [self] bytes in
            if let message: HostMessage = decoded(bytes) { heard(message, from: number) }
        } ended: { [self] in
            lost(number)
        }
        links[number] = Link(stream)
        return true
    }

    private func heard(_ message: HostMessage, from number: DisplayNumber) {
        guard let link = links[number] else { return }
        switch message {
        case .hello(let hello): link.report = hello.inventory.first
        case .reply(let id, let answer):
            let request = link.owed.removeValue(forKey: id)
            if case .makeDisplay = request, case .failed = answer { return take(message, of: link, number) }
            if case .displayEnded = answer { return take(message, of: link, number) }
            if case .endDisplay = request, case .failed(let failure) = answer, failure.kind == .displayUnknown {
                // Its number is another display's by now: the one that was meant has ended.
                return reply(id, .displayEnded(Self.nothing(number)))
            }
            reply(id, answer)
        case .applicationExited: send(message)
        case .displayDied: take(message, of: link, number)
        case .load: break
        }
    }

    /// Keeps a keeper's last words until its process has gone, but not for long.
    private func take(_ message: HostMessage, of link: Link, _ number: DisplayNumber) {
        link.farewell.append(message)
        loop.after(1) { [self] in
            guard links[number] === link else { return }
            link.stream.close()
            lost(number)
        }
    }

    private func lost(_ number: DisplayNumber) {
        guard let link = links.removeValue(forKey: number) else { return }
        let end = link.farewell.isEmpty ? cleanUp(number) : nil
        for message in link.farewell { send(message) }
        for (id, request) in link.owed {
            if case .endDisplay = request {
                reply(id, .displayEnded(end ?? Self.nothing(number)))
            } else {
                reply(id, .failed(HostFailure(.displayFailed, "the keeper of display \(number) died")))
            }
        }
    }

    private static func nothing(_ number: DisplayNumber) -> DisplayEnd {
        DisplayEnd(display: number, session: nil, status: nil, wallSeconds: 0, cpuSeconds: 0)
    }

    /// Removes what a dead keeper left and tells of it; nil when it had left nothing or another agent does it.
    @discardableResult
    private func cleanUp(_ number: DisplayNumber) -> DisplayEnd? {
        let folder = run.display(number)
        guard access(folder.path, F_OK) == 0, let lock = run.lock(number) else { return nil }
        defer { close(lock) }
        let left = contents(of: folder.state).flatMap { decoded($0, as: KeeperState.self) } ?? KeeperState()
        let groups = ControlGroups(folders: left.groups)
        let deadline = now() + 3
        repeat {
            left.first?.send(SIGKILL)
            if let application = left.application, application.isAlive { kill(-application.pid, SIGKILL) }
            for pid in groups.members { kill(pid, SIGKILL) }
            if left.first?.isAlive != true, left.application?.isAlive != true, groups.remove() { break }
            usleep(2000)
        } while now() < deadline
        let end =
            contents(of: folder.exit).flatMap { decoded($0, as: DisplayEnd.self) }
            ?? DisplayEnd(display: number, session: left.session, status: nil, wallSeconds: 0, cpuSeconds: 0)
        if let child = ExpiredFolder.begin(left) {
            // Children are reaped by the kernel here, so this tells when it has ended.
            while waitpid(child, nil, WNOHANG) == 0, now() < deadline { usleep(1000) }
        }
        if run.isolation == .none { PlainDisplay.removeTraces(of: number, left) }
        removeTree(folder.path)
        log("display \(number): its keeper had died; cleaned up")
        if isLocal { run.remember(end) } else { send(.displayDied(end)) }
        return end
    }

    // MARK: Requests

    private func received(_ bytes: [UInt8]) {
        guard let call: HostCall = decoded(bytes) else { return log("a line that is no request") }
        perform(call)
    }

    private func perform(_ call: HostCall) {
        switch call.request {
        case .ping: reply(call.id, .done)
        case .makeDisplay(let order): make(order, call)
        case .startApplication(let order): route(call, order.display)
        case .screenshot(let display), .account(let display, _), .message(let display, _, _, _): route(call, display)
        case .inventory: reply(call.id, .inventory(inventory))
        case .endDisplay(let display, _, _):
            if !isLocal, wasMadeByHand(display) {
                return reply(call.id, .failed(HostFailure(.refused, "display \(display) was made by hand")))
            }
            if links[display] == nil, !connect(display) {
                return reply(call.id, .displayEnded(cleanUp(display) ?? Self.nothing(display)))
            }
            route(call, display)
        case .makeHome(let account): makeHome(account, call.id)
        case .check:
            let (lines, good) = HostCheck.findings(run)
            reply(call.id, .lines(lines, good: good))
        }
    }

    private func route(_ call: HostCall, _ display: DisplayNumber) {
        guard let link = links[display] ?? (connect(display) ? links[display] : nil) else {
            return reply(call.id, .failed(HostFailure(.displayUnknown, "display \(display) is not here")))
        }
        link.owed[call.id] = call.request
        link.stream.send(call)
    }

    private func make(_ order: DisplayOrder, _ call: HostCall) {
        let number = order.display
        do throws(HostFailure) {
            if links[number] == nil, access(run.display(number).path, F_OK) == 0 { cleanUp(number) }
            guard links[number] == nil, let lock = run.lock(number) else {
                throw HostFailure(.displayBusy, "display \(number) is taken")
            }
            defer { close(lock) }
            if run.isolation == .none, PlainDisplay.isTaken(number) {
                throw HostFailure(.displayBusy, "another X server of this machine has display \(number)")
            }
            let folder = run.display(number)
            try makeFolder(folder.path, 0o711)
            do throws(HostFailure) {
                if isLocal { try writeFile(folder.madeByHand, []) }
                try startKeeper(number, folder, lock)
            } catch {
                removeTree(folder.path)
                throw error
            }
        } catch {
            return reply(call.id, .failed(error))
        }
        route(call, number)
    }

    private func startKeeper(_ number: DisplayNumber, _ folder: DisplayFolder, _ lock: Int32) throws(HostFailure) {
        let listener = try listenUnix(folder.keeper)
        defer { close(listener) }
        try leave("keep", ["\(number)"], [listener, lock])
    }

    /// Starts the data process unless it is there; answers it, nil when another agent is about to start it.
    @discardableResult
    private func startData() throws(HostFailure) -> Int32? {
        guard let lock = run.lock(nil) else { return run.dataProcess }
        defer { close(lock) }
        let listener = try listenUnix(run.dataSocket)
        defer { close(listener) }
        let pid = try leave("data", [], [listener, lock])
        run.noteDataProcess(pid, in: lock)
        return pid
    }

    /// Sees to it that the data process runs for as long as this agent does, whoever started it.
    private func keepData() {
        var process: Int32?
        do throws(HostFailure) { process = try startData() } catch { log("data: \(error.cause)") }
        let ended = process.map(clinux_process_descriptor) ?? -1
        guard ended >= 0 else {
            loop.after(1) { [self] in keepData() }
            return
        }
        let began = now()
        loop.watch(ended) { [self] _ in
            loop.forget(ended)
            close(ended)
            // At once, but not in a tight circle when it cannot live.
            loop.after(max(0, began + 0.5 - now())) { [self] in keepData() }
        }
    }

    /// Starts a program of ours that outlives this one: own session, own cgroup, no descriptor of the caller's.
    @discardableResult
    private func leave(_ word: String, _ rest: [String], _ descriptors: [Int32]) throws(HostFailure) -> Int32 {
        let input = open("/dev/null", O_RDONLY | O_CLOEXEC)
        let output = open(run.log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard input >= 0, output >= 0 else { throw failure("open \(run.log)") }
        defer {
            close(input)
            close(output)
        }
        let isolation = run.isolation
        let arguments =
            [
                "/proc/self/exe", "--run", run.path, "--isolation", isolation.rawValue, "--xvnc", run.displayServer,
                word,
            ] + rest
        return try launch(
            arguments, environment: plainEnvironment, descriptors: [input, output, output] + descriptors
        ) {
            setsid()
            if isolation == .container { ControlGroups(making: "keepers").enter() }
            _ = chdir("/")
        }
    }

    // MARK: Homes

    private func makeHome(_ account: Account, _ id: UInt64) {
        do throws(HostFailure) {
            let report = try HomeMaking(account).begin()
            var said: [UInt8] = []
            let timer = loop.after(10) { [self] in
                loop.forget(report)
                close(report)
                reply(id, .failed(HostFailure(.homeUnavailable, "\(account.home) does not answer")))
            }
            loop.watch(report) { [self] _ in
                var part = [UInt8](repeating: 0, count: 1024)
                let count = read(report, &part, part.count)
                if count > 0 { said += part[..<count] }
                guard count == 0 else { return }
                loop.cancel(timer)
                loop.forget(report)
                close(report)
                let words = String(decoding: said, as: UTF8.self)
                reply(id, words == "done" ? .done : .failed(HostFailure(.homeUnavailable, words)))
            }
        } catch {
            reply(id, .failed(error))
        }
    }
}
