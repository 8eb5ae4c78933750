import CLinux
import ControlSocket
import Glibc
import RelayProtocol
import Synchronization

/// The relay: loops that all accept from the same listening sockets, and a link to the controller. One thread calls it:
/// ``look()`` once a second, and what a signal asks for in between.
public final class Relay: Sendable {
    /// What changes while it runs.
    private struct State {
        var pairs: TLSPairs
        var files: PairFiles
        /// As the files looked a second ago: what still changes is not read.
        var lastFiles: PairFiles
        /// A successor that has not answered yet.
        var succession: Succession?
        /// The one that took over.
        var successor: pid_t?
        /// When the last of its viewers must have left; nil: it takes new ones.
        var leavesBy: Double?
        var warned = 0.0
    }

    private let configuration: RelayConfiguration
    private let program: String
    private let arguments: [String]
    private let doors: [ListeningSocket]
    private let inheritance: Inheritance?
    private let ticketKeys: TicketKeys
    private let mailboxes: [Mailbox]
    private let controller: ControllerLink
    private let routes: RoutesFile?
    private let admission: Admission
    private let departure: Departure
    private let counters = Counters()
    private let running = Mutex(0)
    private let state: Mutex<State>

    /// Loads the certificates; `doors` were opened before, or are the inheritance's. Both need what privileges may still
    /// be dropped. `program` and `arguments` start a successor.
    public init(
        _ configuration: RelayConfiguration, doors: [ListeningSocket], inheritance: Inheritance?, program: String,
        arguments: [String]
    ) throws(RelayStartError) {
        self.configuration = configuration
        self.program = program
        self.arguments = arguments
        self.doors = doors
        self.inheritance = inheritance
        guard let keys = inheritance?.ticketKeys ?? TicketKeys() else {
            throw RelayStartError(description: "there is no randomness for ticket keys")
        }
        ticketKeys = keys
        let files = PairFiles(configuration)
        state = Mutex(
            State(pairs: try TLSPairs(configuration, ticketKeys: keys), files: files, lastFiles: files))
        mailboxes = (0..<max(1, min(configuration.loops, 64))).map { _ in Mailbox() }
        departure = Departure(doors, loops: mailboxes.count)
        admission = Admission(
            most: configuration.mostConnections, mostPerSource: configuration.mostPerSource,
            descriptors: Relay.descriptorLimit())
        let identity = RelayIdentity(
            host: Relay.hostName(), addresses: doors.map(\.address), random: UInt64.random(in: .min ... .max))
        if let path = configuration.routes {
            routes = try RoutesFile(path)
        } else {
            routes = nil
        }
        controller = ControllerLink(
            path: configuration.routes == nil ? configuration.controlSocket : nil, loops: mailboxes,
            identity: identity, predecessors: inheritance?.predecessors ?? [])
    }

    /// Starts the loops, and tells a predecessor so; returns at once.
    public func start() throws(ThreadError) {
        count()
        try controller.start()
        for index in mailboxes.indices {
            try detachThread { self.run(index) }
            running.withLock { $0 += 1 }
        }
        for door in doors { RelayLog.write("listening on \(door.address)") }
        for path in [configuration.pair.key, configuration.directPair?.key].compactMap({ $0 })
        where access(path, R_OK) != 0 {
            RelayLog.write(
                "key not readable any more", [("key", path), ("effect", "neither reload nor upgrade will work")])
        }
        inheritance?.acknowledge()
    }

    /// What time brings: changed certificates, a successor's answer, figures, memory to give back. True: it has left, and
    /// may be stopped.
    public func look() -> Bool {
        let now = monotonicSeconds()
        let files = PairFiles(configuration)
        let hasChanged = state.withLock { state in
            defer { state.lastFiles = files }
            return files != state.files && files == state.lastFiles
        }
        if hasChanged { renewCertificates() }
        let succession = state.withLock { $0.succession }
        switch succession?.news(at: now) {
        case .accepting: leave(to: succession?.successor, now)
        case .failed(let cause):
            state.withLock { $0.succession = nil }
            RelayLog.write("successor failed", [("cause", cause), ("effect", "this relay goes on")])
        case .waiting, nil: break
        }
        // The successor is a child: if it ends before this one, nobody else would know it has.
        if let successor { waitpid(successor, nil, WNOHANG) }
        count()
        // What handshakes needed, and those who left: 10 to 200 µs with 1,000 viewers, 9 ms when 9,900 leave at once.
        clinux_give_back_memory()
        return state.withLock(\.leavesBy).map { now >= $0 || admission.count == 0 } ?? false
    }

    /// Whether a successor's answer is awaited: then ``look()`` is worth calling more often.
    public var isHandingOver: Bool { state.withLock { $0.succession != nil } }

    /// The successor that took over; nil: none has.
    public var successor: pid_t? { state.withLock { $0.successor } }

    /// Reads the certificate pairs anew: handshakes from now on use them, views go on. Pairs that cannot be used are
    /// refused, and the old ones stay in use.
    public func renewCertificates() {
        let files = PairFiles(configuration)
        do {
            let pairs = try TLSPairs(configuration, ticketKeys: ticketKeys)
            for mailbox in mailboxes { mailbox.post(.pairs(pairs)) }
            state.withLock { ($0.pairs, $0.files) = (pairs, files) }
            RelayLog.write("certificates renewed", [("days_left", "\(pairs.daysLeft)")])
        } catch {
            state.withLock { $0.files = files }
            RelayLog.write("certificates refused", [("cause", "\(error)"), ("effect", "the old ones stay in use")])
        }
    }

    /// Starts a successor, the program as it is installed now, and hands it the doors. Once it accepts, this relay only
    /// serves the viewers it has; if it fails, nothing has changed.
    public func handOver() {
        guard state.withLock({ $0.succession == nil && $0.leavesBy == nil }) else { return }
        do {
            let succession = try Succession(
                program, arguments, doors: doors, ticketKeys: ticketKeys,
                predecessors: controller.predecessors + [controller.instance])
            state.withLock { $0.succession = succession }
            RelayLog.write("successor started", [("pid", "\(succession.successor)")])
        } catch {
            RelayLog.write("successor failed", [("cause", "\(error)"), ("effect", "this relay goes on")])
        }
    }

    /// Ends every view, reports it and waits for the answers; takes at most 3 s.
    public func stop() {
        for mailbox in mailboxes { mailbox.post(.stop) }
        let deadline = monotonicSeconds() + 2
        while monotonicSeconds() < deadline, running.withLock({ $0 > 0 }) { usleep(2_000) }
        controller.finish(within: 1)
        RelayLog.write("stopped", counters.fields)
    }

    /// Logs how often connections ended for which reason, since the start, and what else is counted.
    public func tellCounts() {
        count()
        RelayLog.write("counts", controller.figures.sorted { $0.key < $1.key }.map { ($0.key, "\($0.value)") })
    }

    private func leave(to successor: pid_t?, _ now: Double) {
        for mailbox in mailboxes { mailbox.post(.leave) }
        controller.leave()
        state.withLock { state in
            (state.succession, state.successor) = (nil, successor)
            state.leavesBy = now + Double(configuration.leavingTimeout)
        }
        RelayLog.write(
            "handed over", [("connections", "\(admission.count)"), ("successor", "\(successor ?? 0)")])
    }

    private func count() {
        let days = state.withLock { $0.pairs.daysLeft }
        var figures = counters.all
        figures["connections"] = UInt64(admission.count)
        figures["certificate days left"] = UInt64(days)
        controller.tell(figures)
        let now = monotonicSeconds()
        guard days < 14, state.withLock({ $0.warned == 0 || now - $0.warned > 86_400 }) else { return }
        state.withLock { $0.warned = now }
        RelayLog.write("certificate ends soon", [("days_left", "\(days)")])
    }

    private func run(_ index: Int) {
        let loop = Loop(
            index: index, configuration: configuration, doors: doors, mailbox: mailboxes[index],
            controller: controller, routes: routes, counters: counters, admission: admission,
            departure: departure, pairs: state.withLock(\.pairs))
        loop?.run()
        running.withLock { $0 -= 1 }
    }

    /// Raises RLIMIT_NOFILE as far as it may go; returns that.
    private static func descriptorLimit() -> Int {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return 1024 }
        limit.rlim_cur = limit.rlim_max
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        return Int(clamping: limit.rlim_cur)
    }

    /// gethostname(2).
    private static func hostName() -> String {
        var name = [CChar](repeating: 0, count: 65)
        guard gethostname(&name, name.count - 1) == 0 else { return "" }
        return name.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } ?? "" }
    }
}
