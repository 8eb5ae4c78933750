import CLinux
import FoundationEssentials
import Glibc
import HostProtocol
import SessionModel

/// The agent at the end of a controller's channel: reads requests, routes them to keepers, tells events.
final class Server {
    private final class Link {
        let stream: LineStream
        /// What the keeper said last; before it said anything, what it had written down.
        var report: DisplayReport
        var hasSpoken = false
        /// Requests the keeper has not answered.
        var owed: [UInt64: HostRequest] = [:]
        /// What the keeper said of its end: passed on when its process has gone too.
        var farewell: [HostMessage] = []
        init(_ stream: LineStream, _ report: DisplayReport) {
            self.stream = stream
            self.report = report
        }
    }

    let run: RunFolder
    let loop = Loop()
    let counting: HomeCounting
    private var tell: (HostMessage) -> Void = { _ in }
    /// Somebody on this host asks, not a controller: deaths are kept for one.
    private let isLocal: Bool
    private var links: [DisplayNumber: Link] = [:]
    /// The inventory is complete: events may be told.
    private var greeted = false
    private var early: [HostMessage] = []
    /// Questions for the inventory that wait for keepers.
    private var surveys: [UInt64: (waiting: Set<DisplayNumber>, timer: UInt64)] = [:]

    private init(run: RunFolder, isLocal: Bool) {
        self.run = run
        self.isLocal = isLocal
        counting = HomeCounting(run: run, loop: loop)
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

    func reply(_ id: UInt64, _ reply: HostReply) { tell(HostMessage.reply(id: id, reply)) }

    // MARK: What runs here

    private func takeInventory() {
        findDisplays()
        let deadline = loop.after(1) { [self] in greet() }
        func wait() {
            if links.values.allSatisfy(\.hasSpoken) {
                loop.cancel(deadline)
                return greet()
            }
            if !greeted { loop.after(0.001, wait) }
        }
        wait()
    }

    /// The displays that controllers may end when they do not know them.
    private var inventory: [DisplayReport] {
        links.values.map(\.report).filter { !wasMadeByHand($0.display) }.sorted { $0.display < $1.display }
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
            findDisplays()
            watchForOthers()
        }
    }

    /// Connects to the keepers that are not known yet, and cleans up after those that have died.
    private func findDisplays() {
        for number in run.displays where links[number] == nil {
            if !connect(number) { cleanUp(number) }
        }
        for end in run.takeRemembered() { send(.displayDied(end)) }
        if run.isolation == .container { ControlGroups.sweep(run) }
    }

    /// Answers the inventory when every keeper has said what it does, or after a second.
    private func survey(_ call: HostCall) {
        findDisplays()
        let timer = loop.after(1) { [self] in finishSurvey(call.id) }
        surveys[call.id] = (Set(links.keys), timer)
        for link in links.values {
            link.owed[call.id] = .inventory
            link.stream.send(call)
        }
        heardSurvey(call.id, from: nil)
    }

    private func heardSurvey(_ id: UInt64, from number: DisplayNumber?) {
        if let number { surveys[id]?.waiting.remove(number) }
        if surveys[id]?.waiting.isEmpty == true { finishSurvey(id) }
    }

    private func finishSurvey(_ id: UInt64) {
        guard let survey = surveys.removeValue(forKey: id) else { return }
        loop.cancel(survey.timer)
        reply(id, .inventory(inventory))
    }

    private func connect(_ number: DisplayNumber) -> Bool {
        guard let fd = connectUnix(run.display(number).keeper) else { return false }
        let stream = LineStream(loop: loop, input: fd, output: fd) { [self] bytes in
            if let message: HostMessage = decoded(bytes) { heard(message, from: number) }
        } ended: { [self] in
            lost(number)
        }
        let left = run.left(of: number)
        links[number] = Link(
            stream,
            DisplayReport(
                display: number, state: left.state ?? .starting, session: left.session, template: left.template,
                key: left.key))
        return true
    }

    private func heard(_ message: HostMessage, from number: DisplayNumber) {
        guard let link = links[number] else { return }
        switch message {
        case .hello(let hello):
            link.report = hello.inventory.first ?? link.report
            link.hasSpoken = true
        case .reply(let id, let answer):
            let request = link.owed.removeValue(forKey: id)
            if case .inventory = request {
                if case .inventory(let reports) = answer, let report = reports.first { link.report = report }
                return heardSurvey(id, from: number)
            }
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
        link.report.state = .ending
        loop.after(1) { [self] in
            guard links[number] === link else { return }
            link.stream.close()
            lost(number)
        }
    }

    private func lost(_ number: DisplayNumber) {
        guard let link = links.removeValue(forKey: number) else { return }
        let end = link.farewell.isEmpty ? cleanUp(number, sawDeath: true) : nil
        for message in link.farewell { send(message) }
        for (id, request) in link.owed {
            switch request {
            case .endDisplay(_, let key, _): reply(id, .displayEnded(Self.end(end, of: number, key)))
            case .account(_, let key) where end?.key == key && end?.session != nil:
                reply(id, .account(Self.end(end, of: number, key)))
            case .inventory: heardSurvey(id, from: number)
            default: reply(id, .failed(HostFailure(.displayFailed, "the keeper of display \(number) died")))
            }
        }
    }

    /// What is told of the end of the display with `key`: `end`, unless that was another one's.
    private static func end(_ end: DisplayEnd?, of number: DisplayNumber, _ key: Secret?) -> DisplayEnd {
        guard let end, key == nil || end.key == nil || end.key == key else { return nothing(number) }
        return end
    }

    private static func nothing(_ number: DisplayNumber) -> DisplayEnd {
        DisplayEnd(display: number, session: nil, status: nil, wallSeconds: 0, cpuSeconds: 0)
    }

    /// Removes what a dead keeper left and tells of it; nil when it had left nothing or another agent does it.
    ///
    /// - Parameter sawDeath: the keeper died just now.
    @discardableResult
    private func cleanUp(_ number: DisplayNumber, sawDeath: Bool = false) -> DisplayEnd? {
        let folder = run.display(number)
        guard access(folder.path, F_OK) == 0 else { return nil }
        var taken = run.lock(number)
        // A process that dies lets go of its socket a little before its lock.
        for _ in 0..<(sawDeath ? 200 : 0) where taken == nil {
            usleep(1000)
            taken = run.lock(number)
        }
        guard let lock = taken else { return nil }
        defer { close(lock) }
        // Another agent may have been faster.
        guard access(folder.path, F_OK) == 0 else { return nil }
        let left = run.left(of: number)
        let remains = Remains(left, exit: contents(of: folder.exit).flatMap { decoded($0) }, sawDeath: sawDeath)
        let deadline = now() + 3
        let end = remains.end(display: number, within: 3)
        // It may have died before it had written down what it made first.
        if left.groups.isEmpty, left.isSynthetic != true, run.isolation == .container {
            _ = ControlGroups(making: run.groupName(of: number)).remove()
        }
        if let child = ExpiredFolder.begin(left) {
            // Children are reaped by the kernel here, so this tells when it has ended.
            while waitpid(child, nil, WNOHANG) == 0, now() < deadline { usleep(1000) }
        }
        if left.plugged == true, let child = NetworkErrand.removal(of: number, run) {
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
        if let call: HostCall = decoded(bytes) { return perform(call) }
        log("a line that is no request")
        struct Numbered: Decodable {
            let id: UInt64
        }
        guard let line: Numbered = decoded(bytes) else { return }
        reply(line.id, .failed(HostFailure(.refused, "That is no request that this host knows.")))
    }

    private func perform(_ call: HostCall) {
        if let fault = OrderCheck.fault(in: call.request) {
            log("refused: \(fault)")
            return reply(call.id, .failed(HostFailure(.refused, fault)))
        }
        switch call.request {
        case .ping: reply(call.id, .done)
        case .makeDisplay(let order): make(order, call)
        case .startApplication(let order):
            route(HostCall(id: call.id, request: .startApplication(order.denyingController)), order.display)
        case .screenshot(let display), .account(let display, _), .message(let display, _, _, _): route(call, display)
        case .inventory: survey(call)
        case .endDisplay(let display, let key, _):
            if !isLocal, wasMadeByHand(display) {
                return reply(call.id, .failed(HostFailure(.refused, "display \(display) was made by hand")))
            }
            if links[display] == nil, !connect(display) {
                return reply(call.id, .displayEnded(Self.end(cleanUp(display), of: display, key)))
            }
            route(call, display)
        case .makeHome(let account): makeHome(account, call.id)
        case .homeUsage(let account, let maxAge):
            counting.answer(account, maxAge: maxAge) { [self] in reply(call.id, $0) }
        case .setQuota(let uid, let soft, let hard, let home):
            setQuota(uid, soft: soft, hard: hard, home: home, call.id)
        case .cleanAccount(let account): cleanAccount(account, call.id)
        case .purge(let account, let days, let live): purge(account, days: days, live: live, call.id)
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
            if run.isolation == .none, !order.synthetic, PlainDisplay.isTaken(number) {
                throw HostFailure(.displayBusy, "another X server of this machine has display \(number)")
            }
            let folder = run.display(number)
            try makeFolder(folder.path, 0o711)
            do throws(HostFailure) {
                if isLocal { try writeFile(folder.madeByHand, []) }
                if order.synthetic {
                    try handToSynthetic(number, folder, lock)
                } else {
                    try startKeeper(number, folder, lock)
                }
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

    /// Bytes of ``RunFolder/log`` from which on another one is begun.
    private static let longestLog = 4 << 20

    /// Starts a program of ours that outlives this one: own session, own cgroup, no descriptor of the caller's.
    @discardableResult
    func leave(_ word: String, _ rest: [String], _ descriptors: [Int32]) throws(HostFailure) -> Int32 {
        let input = open("/dev/null", O_RDONLY | O_CLOEXEC)
        // The run folder is the whole host's memory; what writes to the old one goes on with that.
        var written = stat()
        if stat(run.log, &written) == 0, written.st_size > Self.longestLog { rename(run.log, run.log + ".1") }
        let output = open(run.log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard input >= 0, output >= 0 else { throw failure("open \(run.log)") }
        defer {
            close(input)
            close(output)
        }
        let isolation = run.isolation
        let arguments =
            [
                "maxwell-host", "--run", run.path, "--isolation", isolation.rawValue, "--xvnc", run.displayServer,
                "--names-every", "\(run.namesEvery)", word,
            ] + rest
        return try launch(
            arguments, program: "/proc/self/exe", environment: plainEnvironment,
            descriptors: [input, output, output] + descriptors
        ) {
            setsid()
            if isolation == .container {
                // What every display needs gets its turn on a host whose sessions take all they can.
                let groups = ControlGroups(making: "keepers")
                groups.weigh(1000)
                groups.enter()
            }
            _ = chdir("/")
        }
    }
}
