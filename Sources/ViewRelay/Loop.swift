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
        /// Whose orderly end is under way, by serial.
        var parting: [UInt64: Link] = [:]
        var nextTick = 0.0
        var lastLook = 0.0
        var nextBeat = 0.0
        /// Whether the viewers were asked for a proof of life since the last beat.
        var hasAsked = false
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
    let doors: [Int32]
    let mailbox: Mailbox
    let controller: ControllerLink
    let counters: Counters
    let tls: TLSContext
    let directTLS: TLSContext?
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
        index: Int, configuration: RelayConfiguration, doors: [Int32], mailbox: Mailbox, controller: ControllerLink,
        counters: Counters, tls: TLSContext, directTLS: TLSContext?
    ) {
        self.index = index
        self.configuration = configuration
        self.doors = doors
        self.mailbox = mailbox
        self.controller = controller
        self.counters = counters
        self.tls = tls
        self.directTLS = directTLS
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
        state.initialize(to: State(spare: open("/dev/null", O_RDONLY | O_CLOEXEC)))
    }

    /// Runs until it is told to stop; then every connection has ended.
    func run() {
        let answers = UnsafeMutablePointer<epoll_event>.allocate(capacity: 256)
        defer { answers.deallocate() }
        for (index, door) in doors.enumerated() {
            _ = clinux_epoll_control(poll, EPOLL_CTL_ADD, door, clinux_epoll_shared_listener, UInt64(2 * index))
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
            if now >= state.pointee.nextTick { tick(now) }
            bury()
        }
        for link in Array(state.pointee.connections.values) { end(link, EndCause.relayStops, closeCode: 1001) }
        bury()
    }

    /// Milliseconds epoll_wait(2) may take: until the next tick, and less while an answer to a goodbye is awaited, which
    /// may be a TCP acknowledgement that no event tells of.
    private func patience(_ now: Double) -> Int32 {
        if state.pointee.firstQueued != nil { return 0 }
        let tick = max(0, state.pointee.nextTick - now)
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
        for door in doors { _ = clinux_epoll_control(poll, EPOLL_CTL_DEL, door, 0, 0) }
        for link in Array(state.pointee.connections.values) { part(link, EndCause.relayStops, closeCode: 1001) }
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

    private func acceptSome(_ door: Int32) {
        for _ in 0..<64 {
            let descriptor = accept(door, nil, nil)
            guard descriptor >= 0 else {
                if errno == EMFILE || errno == ENFILE { refuseOne(door) }
                return
            }
            begin(descriptor)
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

    private func begin(_ descriptor: Int32) {
        makeNonBlocking(descriptor)
        _ = clinux_tcp_option(descriptor, clinux_tcp_no_delay, 1)
        // An idle viewer's kernel proves its life, and boxes in between see traffic. Who is dead is ProofOfLife's to say:
        // TCP must not give up before, on probes or, with a TCP_USER_TIMEOUT, on a viewer that reads nothing for a while.
        var on: Int32 = 1
        setsockopt(descriptor, SOL_SOCKET, SO_KEEPALIVE, &on, socklen_t(MemoryLayout<Int32>.size))
        _ = clinux_tcp_option(descriptor, clinux_tcp_keep_idle, Loop.keepIdle)
        _ = clinux_tcp_option(descriptor, clinux_tcp_keep_interval, 10)
        _ = clinux_tcp_option(descriptor, clinux_tcp_keep_count, 20)
        let now = monotonicSeconds()
        let link = Link.allocate(capacity: 1)
        state.pointee.lastSerial += 1
        let serial = state.pointee.lastSerial
        link.initialize(
            to: Connection(
                serial: serial, viewer: descriptor, now: now, deadline: now + Double(configuration.openingTimeout)))
        state.pointee.connections[serial] = link
        register(descriptor, UInt64(UInt(bitPattern: link)))
    }

    func register(_ descriptor: Int32, _ data: UInt64) {
        _ = clinux_epoll_control(poll, EPOLL_CTL_ADD, descriptor, clinux_epoll_both_edges, data)
    }

    private func readMail() {
        for message in mailbox.take() {
            switch message {
            case .resolved(let serial, let reply): resolved(serial, reply)
            case .cut(let views):
                for view in views {
                    if let link = state.pointee.views[view] { part(link, EndCause.revoked, closeCode: 1008) }
                }
            case .stop: stop()
            }
        }
    }
}
