import CLinux
import ControlProtocol
import ControlSocket
import Glibc
import SessionModel
import Stress
import Synchronization

/// Looks at the gateway while a run goes on: on a thread of its own, on a control connection of its own.
final class Sampler: Sendable {
    private let found = Mutex<[Sample]>([])
    private let isStopped = Mutex(false)
    private let waker: Int32

    /// Looks every `pause` seconds from now on; `waker` is woken when a sample is there.
    init(socket: String, pause: Double, waker: Int32) throws(LoadError) {
        self.waker = fcntl(waker, F_DUPFD_CLOEXEC, 0)
        do throws(ThreadError) {
            try detachThread { [self] in look(socket, pause) }
        } catch {
            throw .noThread(errno: error.errno)
        }
    }

    deinit { close(waker) }

    /// What has been seen since the last time.
    func samples() -> [Sample] {
        found.withLock { found in
            defer { found = [] }
            return found
        }
    }

    /// No more is looked at; the thread ends in a moment.
    func stop() { isStopped.withLock { $0 = true } }

    private func look(_ socket: String, _ pause: Double) {
        let began = MonotonicClock.seconds
        var gateway = SampledGateway(socket)
        var figures = ProcessFigures(controller: gateway.controller())
        while !isStopped.withLock({ $0 }) {
            var sample = Sample(at: MonotonicClock.seconds - began)
            sample.parts = figures.look()
            gateway.look(&sample)
            found.withLock { $0.append(sample) }
            _ = clinux_wake(waker)
            // A look that took long is not made up for by several at once.
            let now = MonotonicClock.seconds
            usleep(UInt32((began + ((now - began) / pause + 1).rounded(.down) * pause - now + 0.001) * 1e6))
        }
    }
}

/// What the controller says of the gateway.
struct SampledGateway {
    private let path: String
    private let line: ControllerLine
    private var nextList = 0.0
    private var states: [String: Int] = [:]

    init(_ path: String) {
        self.path = path
        line = ControllerLine(path, patience: 10)
    }

    /// The controller's process; nil: it cannot be told.
    func controller() -> pid_t? { ControllerProcess.behind(path) }

    mutating func look(_ sample: inout Sample) {
        if case .hosts(let hosts) = ask(.hosts) {
            for host in hosts {
                // Of one that is away nothing is known.
                guard let memory = host.memory, let load = host.load else { continue }
                sample.hosts[host.host] = Sample.Host(
                    memoryAvailable: memory, load: load, ready: host.ready + host.readyGL, used: host.uses)
            }
        }
        if case .counters(let counters) = ask(.counters) { sample.counters = counters }
        if sample.at >= nextList { list(sample.at) }
        sample.states = states
    }

    /// Sessions are many: they take a fiftieth of the time at most, and are not known for a minute where they were not told:
    /// they may not fit a line of the control socket.
    private mutating func list(_ now: Double) {
        let began = MonotonicClock.seconds
        states = [:]
        if case .sessions(let lines) = ask(.sessions(user: nil)) {
            for line in lines where line.user.hasPrefix("stress-") { states[line.state, default: 0] += 1 }
            nextList = now + max(5, 50 * (MonotonicClock.seconds - began))
        } else {
            nextList = now + 60
        }
    }

    /// One round trip; nil when there is no answer.
    private func ask(_ request: ControlRequest) -> ControlReply? { try? line.ask(request) }
}

/// Who listens on a control socket.
enum ControllerProcess {
    /// The process that bound the socket at `path` (unix(7), SO_PEERCRED).
    static func behind(_ path: String) -> pid_t? {
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let fits = withUnsafeMutableBytes(of: &address.sun_path) { room in
            guard path.utf8.count < room.count else { return false }
            room.copyBytes(from: path.utf8)
            return true
        }
        let isConnected = withUnsafePointer(to: address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) == 0
            }
        }
        var peer = clinux_peer()
        guard fits, isConnected, clinux_peer_of(descriptor, &peer) == 0 else { return nil }
        return peer.pid
    }
}
