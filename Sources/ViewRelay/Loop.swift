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
        var lastTick = 0.0
        var lastBeat = 0.0
        var stopping = false
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
        configuration: RelayConfiguration, doors: [Int32], mailbox: Mailbox, controller: ControllerLink,
        counters: Counters, tls: TLSContext, directTLS: TLSContext?
    ) {
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
        while !state.pointee.stopping {
            let count = epoll_wait(poll, answers, 256, state.pointee.firstQueued == nil ? 1000 : 0)
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
            let now = monotonicSeconds()
            if now - state.pointee.lastTick >= 1 { tick(now) }
            bury()
        }
        for link in Array(state.pointee.connections.values) { end(link, EndCause.relayStops, closeCode: 1001) }
        bury()
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
            if isGone { link.pointee.displayGone = true }
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
        // A dead peer is found within a minute, and boxes in between see traffic.
        var on: Int32 = 1
        setsockopt(descriptor, SOL_SOCKET, SO_KEEPALIVE, &on, socklen_t(MemoryLayout<Int32>.size))
        _ = clinux_tcp_option(descriptor, clinux_tcp_keep_idle, 10)
        _ = clinux_tcp_option(descriptor, clinux_tcp_keep_interval, 5)
        _ = clinux_tcp_option(descriptor, clinux_tcp_keep_count, 4)
        _ = clinux_tcp_option(descriptor, clinux_tcp_user_timeout, 45_000)
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
                    if let link = state.pointee.views[view] { end(link, EndCause.revoked, closeCode: 1008) }
                }
            case .stop: state.pointee.stopping = true
            }
        }
    }

    /// Once a second: who is too slow, too silent, or due for a ping; every 10 s the beats.
    private func tick(_ now: Double) {
        state.pointee.lastTick = now
        let isBeat = now - state.pointee.lastBeat >= 10
        var beats: [ViewBeat] = []
        for link in Array(state.pointee.connections.values) {
            switch link.pointee.stage {
            case .view, .web:
                let age = proofAge(link, now)
                if link.pointee.stage == .view, age > 45 {
                    end(link, EndCause.viewerSilent, closeCode: 1001)
                    continue
                }
                if isBeat, link.pointee.frames != nil, link.pointee.viewerTail.isEmpty {
                    sendArray(link, WebSocketFrame.control(WebSocketFrame.ping, []))
                    if link.pointee.isBroken { end(link, EndCause.viewerBroke) }
                }
                if isBeat, link.pointee.stage != .ended, let view = link.pointee.viewID {
                    beats.append(
                        ViewBeat(
                            view: view, began: link.pointee.viewStarted, seconds: now - age - link.pointee.viewStarted))
                }
            case .resolving where now > link.pointee.deadline:
                refuse(link, "503 Service Unavailable", EndCause.controllerSilent)
            case .draining where now > link.pointee.deadline, .lingering where now > link.pointee.deadline:
                end(link, link.pointee.cause)
            case .ended: break
            default: if now > link.pointee.deadline { end(link, EndCause.tooSlow) }
            }
        }
        if isBeat {
            state.pointee.lastBeat = now
            if !beats.isEmpty { controller.beat(beats) }
        }
    }

    /// Seconds since the viewer's last sign of life: a byte, or, where nothing asks it to speak, a TCP acknowledgement.
    private func proofAge(_ link: Link, _ now: Double) -> Double {
        let silence = now - link.pointee.lastProof
        if link.pointee.frames != nil, link.pointee.viewerTail.isEmpty { return silence }
        var milliseconds: UInt32 = 0
        guard clinux_last_acknowledged(link.pointee.viewer, &milliseconds) == 0 else { return silence }
        return min(silence, Double(milliseconds) / 1000)
    }
}
