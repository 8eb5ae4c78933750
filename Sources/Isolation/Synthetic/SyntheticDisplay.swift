import CLinux
import Glibc
import HostProtocol
import SessionModel

/// One synthetic display as agents and the data door find it: a folder with a keeper's sockets and state. It starts
/// nothing; its picture is the painter's.
final class SyntheticDisplay: DisplaySpeaker {
    let number: DisplayNumber
    let folder: DisplayFolder
    private unowned let host: SyntheticHost
    private let lock: Int32
    private let listener: Int32
    private var door: Int32 = -1
    private let began = now()
    var streams: [ObjectIdentifier: LineStream] = [:]
    private(set) var order: DisplayOrder?
    private(set) var state = DisplayReport.State.starting
    var written = KeeperState()
    private var limits: ResourceLimits?
    /// Seconds that the painter has to let go of a display.
    private static let fallPatience = 10.0
    /// The account at the end of the session's time, as an application's exit would be told.
    private(set) var exit: DisplayEnd?
    private var ending: [Debt] = []
    private var endsSince: Double?
    private var isGone = false

    /// The display of that number on `host`, whose lock is held by `lock`; takes over both descriptors.
    init(_ number: DisplayNumber, on host: SyntheticHost, lock: Int32, listener: Int32) {
        self.number = number
        self.host = host
        self.lock = lock
        self.listener = listener
        folder = host.run.display(number)
        written.isSynthetic = true
        host.loop.watch(listener) { [self] _ in welcome(listener) }
    }

    var run: RunFolder { host.run }
    var loop: Loop { host.loop }

    func giveUp() { remove() }

    // MARK: Requests

    func make(_ order: DisplayOrder, _ debt: Debt) throws(HostFailure) {
        guard order.synthetic else { throw HostFailure(.refused, "display \(number) is synthetic") }
        let door = try listenUnix(folder.door, SOCK_DGRAM)
        self.door = door
        self.order = order
        written.template = host.template
        written.key = order.key
        written.boot = RunFolder.kernelBoot
        host.loop.watch(door) { [self] _ in admit(door) }
        host.painter?.say(.stand(number, order.geometry, password: order.password))
        state = .ready
        noteState()
        pay(debt, .displayReady)
    }

    /// A session begins; nothing is started.
    func handOver(_ order: ApplicationOrder, on display: DisplayOrder, _ debt: Debt) {
        if order.geometry != display.geometry { host.painter?.say(.resize(number, order.geometry)) }
        limits = order.limits
        written.session = order.session
        written.handedOver = UseMark(at: now(), cpu: 0)
        state = .used
        noteState()
        pay(debt, .applicationStarted)
    }

    /// Nobody is there to read it.
    func show(_ text: String, seconds: Int, done: @escaping (HostReply) -> Void) {
        done(written.session == nil ? .failed(noSession) : .done)
    }

    func screenshot(_ debt: Debt) throws(HostFailure) {
        throw HostFailure(.refused, "a synthetic display has no screenshots")
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
        if order == nil, now() > began + 30 { return giveUp() }
        if let endsSince, now() > endsSince + Self.fallPatience {
            // Whatever holds the painter holds all displays of this process: agents clean up after it.
            log("display \(number): the painter does not let it go")
            _exit(1)
        }
        guard state == .used, exit == nil, let handedOver = written.handedOver else { return }
        if let limit = limits?.wallTime, limit > 0, now() >= handedOver.at + Double(limit) {
            log("display \(number): the session's time is over, \(limit) s")
            var end = accountNow()
            end.status = 128 + Int(SIGHUP)
            exit = end
            try? writeFile(folder.exit, encoded(end))
            return tell(.applicationExited(end))
        }
        // Hundreds of displays would write all the time; all that an older beat costs is time that nobody is charged.
        if (second + number.value).isMultiple(of: 30) {
            written.beat = UseMark(at: now(), cpu: 0)
            try? writeState()
        }
    }

    /// What the session has used: time.
    func accountNow() -> DisplayEnd {
        exit
            ?? DisplayEnd(
                display: number, session: written.session, key: order?.key, status: nil,
                wallSeconds: written.handedOver.map { now() - $0.at } ?? 0, cpuSeconds: 0)
    }

    // MARK: The end

    /// Its viewers are cut; nothing else has to be waited for.
    func end(_ debt: Debt, patience: Double) {
        ending.append(debt)
        guard state != .ending else { return }
        state = .ending
        endsSince = now()
        noteState()
        guard order != nil, let painter = host.painter else { return fallen() }
        painter.say(.fall(number))
    }

    /// Its viewers are gone: so is all the rest.
    func fallen() {
        guard state == .ending else { return }
        let end = accountNow()
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
            host.loop.forget(fd)
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
