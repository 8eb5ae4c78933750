import ControlSocket
import Glibc
import RelayProtocol
import Synchronization

/// The relay: loops that all accept from the same listening sockets, and a link to the controller.
public final class Relay: Sendable {
    private let configuration: RelayConfiguration
    private let doors: [ListeningSocket]
    private let tls: TLSContext
    private let directTLS: TLSContext?
    private let mailboxes: [Mailbox]
    private let controller: ControllerLink
    private let counters = Counters()
    private let running = Mutex(0)

    /// Loads the certificates; `doors` were opened before. Both need what privileges may still be dropped.
    public init(_ configuration: RelayConfiguration, doors: [ListeningSocket]) throws(RelayStartError) {
        self.configuration = configuration
        self.doors = doors
        tls = try TLSContext(configuration.pair)
        if let pair = configuration.directPair {
            directTLS = try TLSContext(pair)
        } else {
            directTLS = nil
        }
        mailboxes = (0..<max(1, min(configuration.loops, 64))).map { _ in Mailbox() }
        let identity = RelayIdentity(
            host: Relay.hostName(), addresses: doors.map(\.address), random: UInt64.random(in: .min ... .max))
        controller = ControllerLink(path: configuration.controlSocket, loops: mailboxes, identity: identity)
    }

    /// Starts the loops; returns at once.
    public func start() throws(ThreadError) {
        try controller.start()
        for index in mailboxes.indices {
            try detachThread { self.run(index) }
            running.withLock { $0 += 1 }
        }
        for door in doors { RelayLog.write("listening on \(door.address)") }
    }

    /// Ends every view, reports it and waits for the answers; takes at most 3 s.
    public func stop() {
        for mailbox in mailboxes { mailbox.post(.stop) }
        let deadline = monotonicSeconds() + 2
        while monotonicSeconds() < deadline, running.withLock({ $0 > 0 }) { usleep(2_000) }
        controller.finish(within: 1)
        RelayLog.write("stopped", counters.fields)
    }

    /// Logs how often connections ended for which reason, since the start.
    public func tellCounts() { RelayLog.write("counts", counters.fields) }

    private func run(_ index: Int) {
        let loop = Loop(
            index: index, configuration: configuration, doors: doors.map(\.descriptor), mailbox: mailboxes[index],
            controller: controller, counters: counters, tls: tls, directTLS: directTLS)
        loop?.run()
        running.withLock { $0 -= 1 }
    }

    /// gethostname(2).
    private static func hostName() -> String {
        var name = [CChar](repeating: 0, count: 65)
        guard gethostname(&name, name.count - 1) == 0 else { return "" }
        return name.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } ?? "" }
    }
}
