import CLinux
import ControlProtocol
import Glibc
import RelayProtocol

typealias Link = UnsafeMutablePointer<Connection>

/// One epoll loop on a thread of its own. A connection it accepted is its own for life. Everything lives in unsafe
/// memory and is reached through pointers, so that the byte path counts no references and checks no exclusivity.
struct Loop {
    /// What changes while it runs.
    struct State {
        var connections: [UInt64: Link] = [:]
        var views: [UInt64: Link] = [:]
        var lastSerial: UInt64 = 0
        var firstQueued: Link?
        var lastQueued: Link?
        var ended: [Link] = []
        var spare: Int32
        var pairs: TLSPairs
        /// Connections that have not said what they want.
        var openings = 0
        /// Those, and some that have since, by serial in the order they came; the first ``openingsSeen`` are done with.
        var openingLine: [UInt64] = []
        var openingsSeen = 0
        /// Whose orderly end is under way, by serial.
        var parting: [UInt64: Link] = [:]
        /// Who is greeted in RFB unless it says something.
        var greetings: DelayLine
        /// Who may begin a second TLS layer.
        var secondLayers: DelayLine
        var nextTick = 0.0
        var lastLook = 0.0
        var nextBeat = 0.0
        /// Whether the viewers were asked for a proof of life since the last beat.
        var hasAsked = false
        /// How often the routes had changed when the connections were last compared with them.
        var routesSeen: UInt64 = 0
        /// Lines of the log of this round, which leave together at its end.
        var lines: [UInt8] = []
        /// Whether it accepts no one any more.
        var hasLeft = false
        /// When the last connection ends, once it is told to stop.
        var stopBy: Double?
    }

    /// Most bytes of one recv(2) from a display, and of one turn: a bulk viewer does not starve the rest (measured).
    static let downRoom = 512 * 1024
    static let budget = 512 * 1024
    /// Most bytes of one recv(2) from a viewer.
    static let upRoom = 64 * 1024
    /// A record that was half there may add to what a recv(2) brought.
    static let plainRoom = upRoom + 32 * 1024
    /// Base64 makes four bytes of three, and has its own smaller buffer.
    static let textRoom = 128 * 1024
    /// Seconds of silence after which TCP asks the peer for an acknowledgement.
    static let keepIdle: Int32 = 10
    /// Seconds a viewer has for its answer to a goodbye.
    static let partingTime = 0.15
    /// Seconds in which what an ended display said last goes to the viewer.
    static let drainTime = 10.0
    /// TCP_INFO counts in the kernel's ticks, of at most so many seconds.
    static let acknowledgementGrain = 0.01
    /// Seconds between two looks at who was told goodbye.
    static let lookInterval = 0.005

    /// Which of the relay's loops it is.
    let index: Int
    let configuration: RelayConfiguration
    /// Listening sockets; epoll calls them 0, 2, 4 and so on, the mailbox 1: no connection's address is so small.
    let doors: [ListeningSocket]
    let mailbox: Mailbox
    let controller: ControllerLink
    /// Where tokens lead, when no controller is asked.
    let routes: RoutesFile?
    let counters: Counters
    let admission: Admission
    let departure: Departure
    let poll: Int32
    let channel: TLSChannel
    let scratch: UnsafeMutablePointer<CipherScratch>
    let cipher: UnsafeMutablePointer<UInt8>
    let plain: UnsafeMutablePointer<UInt8>
    /// From a display; room for a frame's header comes before it.
    let down: UnsafeMutablePointer<UInt8>
    let text: UnsafeMutablePointer<UInt8>
    let filtered: UnsafeMutableRawBufferPointer
    let state: UnsafeMutablePointer<State>

    init?(
        index: Int, configuration: RelayConfiguration, doors: [ListeningSocket], mailbox: Mailbox,
        controller: ControllerLink, routes: RoutesFile?, counters: Counters, admission: Admission, departure: Departure,
        pairs: TLSPairs
    ) {
        self.index = index
        self.configuration = configuration
        self.doors = doors
        self.mailbox = mailbox
        self.controller = controller
        self.routes = routes
        self.counters = counters
        self.admission = admission
        self.departure = departure
        poll = epoll_create1(Int32(EPOLL_CLOEXEC))
        scratch = CipherScratch.make(outputRoom: Loop.downRoom + 128 * 1024)
        guard poll >= 0, let channel = TLSChannel(scratch) else { return nil }
        self.channel = channel
        cipher = .allocate(capacity: Loop.upRoom)
        plain = .allocate(capacity: Loop.plainRoom)
        down = UnsafeMutablePointer<UInt8>.allocate(capacity: Loop.downRoom + 16) + 16
        text = UnsafeMutablePointer<UInt8>.allocate(capacity: Base64.encodedLength(Loop.textRoom) + 16) + 16
        filtered = .allocate(byteCount: ClientMessages.outputRoom(for: Loop.plainRoom), alignment: 16)
        state = .allocate(capacity: 1)
        state.initialize(
            to: State(
                spare: open("/dev/null", O_RDONLY | O_CLOEXEC), pairs: pairs,
                greetings: DelayLine(delay: configuration.greetingDelay),
                secondLayers: DelayLine(delay: configuration.secondLayerDelay)))
    }

    var tls: TLSContext { state.pointee.pairs.tls }
    var directTLS: TLSContext? { state.pointee.pairs.direct }

    /// Runs until it is told to stop; then every connection has ended.
    func run() {
        let answers = UnsafeMutablePointer<epoll_event>.allocate(capacity: 256)
        defer { answers.deallocate() }
        for (index, door) in doors.enumerated() {
            _ = clinux_epoll_control(
                poll, EPOLL_CTL_ADD, door.descriptor, clinux_epoll_shared_listener, UInt64(2 * index))
        }
        _ = clinux_epoll_control(poll, EPOLL_CTL_ADD, mailbox.descriptor, clinux_epoll_in, 1)
        var now = monotonicSeconds()
        while !hasStopped(now) {
            let count = epoll_wait(poll, answers, 256, patience(now))
            for index in 0..<max(count, 0) {
                let data = clinux_epoll_data(answers, index)
                let events = clinux_epoll_events(answers, index)
                switch data {
                case 1: readMail()
                case 0..<UInt64(2 * doors.count): acceptSome(doors[Int(data / 2)])
                default: note(events, data)
                }
            }
            runQueue()
            now = monotonicSeconds()
            if !state.pointee.parting.isEmpty, now - state.pointee.lastLook >= Loop.lookInterval { lookAtParting(now) }
            lookAtDelays(now)
            if now >= state.pointee.nextTick { tick(now) }
            if !state.pointee.lines.isEmpty { RelayLog.flush(&state.pointee.lines) }
            bury()
        }
        for link in Array(state.pointee.connections.values) { end(link, EndCause.relayStops, closeCode: 1001) }
        if !state.pointee.lines.isEmpty { RelayLog.flush(&state.pointee.lines) }
        bury()
    }

    /// Milliseconds epoll_wait(2) may take: until the next tick or the end of a delay, and less while an answer to a goodbye is awaited, which
    /// may be a TCP acknowledgement that no event tells of.
    private func patience(_ now: Double) -> Int32 {
        if state.pointee.firstQueued != nil { return 0 }
        let tick = max(0, min(state.pointee.nextTick, nextDelay() ?? .infinity) - now)
        return Int32((min(tick, state.pointee.parting.isEmpty ? 1 : Loop.lookInterval) * 1000).rounded(.up))
    }

    private func hasStopped(_ now: Double) -> Bool {
        guard let by = state.pointee.stopBy else { return false }
        return now >= by || state.pointee.connections.isEmpty
    }

    /// Says goodbye to every viewer and accepts no other one.
    private func stop() {
        guard state.pointee.stopBy == nil else { return }
        state.pointee.stopBy = monotonicSeconds() + Loop.partingTime + 0.05
        leave()
        for link in Array(state.pointee.connections.values) { part(link, EndCause.relayStops, closeCode: 1001) }
    }

    /// Accepts no one any more.
    private func leave() {
        guard !state.pointee.hasLeft else { return }
        state.pointee.hasLeft = true
        for door in doors { _ = clinux_epoll_control(poll, EPOLL_CTL_DEL, door.descriptor, 0, 0) }
        departure.loopHasLeft()
    }

    private func note(_ events: UInt32, _ data: UInt64) {
        guard let link = Link(bitPattern: UInt(data & ~1)), link.pointee.stage != .ended else { return }
        let isReadable = events & (clinux_epoll_in | clinux_epoll_gone) != 0
        let isWritable = events & clinux_epoll_out != 0
        let isGone = events & clinux_epoll_gone != 0
        if data & 1 == 0 {
            if isReadable { link.pointee.viewerReadable = true }
            if isWritable { link.pointee.viewerWritable = true }
            if isGone { link.pointee.viewerGone = true }
        } else {
            if isReadable { link.pointee.displayReadable = true }
            if isWritable { link.pointee.displayWritable = true }
            if isGone, !link.pointee.displayGone {
                link.pointee.displayGone = true
                displayIsLeaving(link)
            }
        }
        enqueue(link)
    }

    func enqueue(_ link: Link) {
        guard !link.pointee.queued else { return }
        link.pointee.queued = true
        link.pointee.nextQueued = nil
        if let last = state.pointee.lastQueued {
            last.pointee.nextQueued = link
        } else {
            state.pointee.firstQueued = link
        }
        state.pointee.lastQueued = link
    }

    /// Gives everyone who waits now one turn; who queues again meanwhile waits for the next round.
    private func runQueue() {
        var next = state.pointee.firstQueued
        state.pointee.firstQueued = nil
        state.pointee.lastQueued = nil
        while let link = next {
            next = link.pointee.nextQueued
            link.pointee.queued = false
            if link.pointee.stage != .ended { turn(link) }
        }
    }

    /// Frees what ended: only here, so that no event of the batch finds freed memory.
    private func bury() {
        guard !state.pointee.ended.isEmpty else { return }
        var kept: [Link] = []
        for link in state.pointee.ended {
            guard !link.pointee.queued else {
                kept.append(link)
                continue
            }
            link.deinitialize(count: 1)
            link.deallocate()
        }
        state.pointee.ended = kept
    }

    private func acceptSome(_ door: ListeningSocket) {
        guard !state.pointee.hasLeft else { return }
        for _ in 0..<64 {
            var peer = sockaddr_storage()
            let descriptor = clinux_accept_peer(door.descriptor, &peer)
            guard descriptor >= 0 else {
                if errno == EMFILE || errno == ENFILE { refuseOne(door.descriptor) }
                return
            }
            let viewer = Peer(peer)
            switch admission.admit(viewer.source) {
            case .welcome: begin(descriptor, from: viewer, greetsInRFB: door.greetsInRFB)
            case .turnedAway(let cause):
                begin(descriptor, from: viewer, greetsInRFB: door.greetsInRFB, turnedAway: cause)
            case .closed(let cause):
                close(descriptor)
                counters.count(cause)
            }
        }
    }

    /// No descriptor is left: the spare one's place takes the next connection, which is closed at once, so that the
    /// door does not stay ready for ever.
    private func refuseOne(_ door: Int32) {
        close(state.pointee.spare)
        let descriptor = accept(door, nil, nil)
        if descriptor >= 0 { close(descriptor) }
        state.pointee.spare = open("/dev/null", O_RDONLY | O_CLOEXEC)
        counters.count("no descriptor left")
    }

    private func begin(_ descriptor: Int32, from peer: Peer, greetsInRFB: Bool, turnedAway: String? = nil) {
        let now = monotonicSeconds()
        let link = Link.allocate(capacity: 1)
        state.pointee.lastSerial += 1
        let serial = state.pointee.lastSerial
        link.initialize(
            to: Connection(
                serial: serial, viewer: descriptor, peer: peer, greetsInRFB: greetsInRFB, turnedAway: turnedAway,
                now: now, deadline: now + Double(configuration.tlsTimeout)))
        state.pointee.connections[serial] = link
        makeRoom(for: serial)
        register(descriptor, UInt64(UInt(bitPattern: link)))
        expectNative(link, now)
    }

    /// Counts one more opening. When there are too many, those that take longest end: who floods us with them loses his
    /// own, and whoever comes meanwhile is served.
    private func makeRoom(for serial: UInt64) {
        state.pointee.openings += 1
        state.pointee.openingLine.append(serial)
        let most = max(1, configuration.mostOpening / max(1, configuration.loops))
        while state.pointee.openings > most, state.pointee.openingsSeen < state.pointee.openingLine.count {
            let oldest = state.pointee.openingLine[state.pointee.openingsSeen]
            state.pointee.openingsSeen += 1
            guard let link = state.pointee.connections[oldest], link.pointee.isOpening else { continue }
            end(link, EndCause.tooManyOpenings)
        }
        if state.pointee.openingsSeen > 4096 || state.pointee.openingLine.count > 4 * most + 4096 {
            state.pointee.openingLine.removeFirst(state.pointee.openingsSeen)
            state.pointee.openingsSeen = 0
            state.pointee.openingLine.removeAll { serial in
                state.pointee.connections[serial]?.pointee.isOpening != true
            }
        }
    }

    /// A connection has said what it wants, or ended.
    func hasOpened(_ link: Link) {
        guard link.pointee.isOpening else { return }
        link.pointee.isOpening = false
        state.pointee.openings -= 1
    }

    func register(_ descriptor: Int32, _ data: UInt64) {
        _ = clinux_epoll_control(poll, EPOLL_CTL_ADD, descriptor, clinux_epoll_both_edges, data)
    }

    private func readMail() {
        for message in mailbox.take() {
            switch message {
            case .resolved(let serial, let reply): resolved(serial, reply)
            case .located(let serial, let endpoints): located(serial, endpoints)
            case .cut(let views):
                for view in views {
                    if let link = state.pointee.views[view] { part(link, EndCause.revoked, closeCode: 1008) }
                }
            case .pairs(let pairs): state.pointee.pairs = pairs
            case .leave: leave()
            case .stop: stop()
            }
        }
    }
}
