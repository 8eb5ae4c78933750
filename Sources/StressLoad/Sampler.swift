import CLinux
import ControlProtocol
import ControlSocket
import Glibc
import SessionModel
import Stress
import Synchronization

/// Looks at the gateway while a run goes on: on a thread of its own, on a control connection of its own.
final class Sampler: Sendable {
    private enum Phase { case looking, lastLook, stopped, over }

    private let found = Mutex<[Sample]>([])
    private let phase = Mutex(Phase.looking)
    private let pause: Double
    private let waker: Int32

    /// Looks at once, and every `pause` seconds after that; `waker` is woken when a sample is there.
    init(socket: String, pause: Double, waker: Int32) throws(LoadError) {
        self.pause = pause
        self.waker = fcntl(waker, F_DUPFD_CLOEXEC, 0)
        do throws(ThreadError) {
            try detachThread { [self] in look(socket) }
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

    /// The first look's sample, waited for: what happens from now on is between two samples. Nothing once `isStopped`.
    func first(unless isStopped: () -> Bool) -> [Sample] {
        while !isStopped() {
            let samples = samples()
            if !samples.isEmpty { return samples }
            usleep(2_000)
        }
        return []
    }

    /// Looks once more, when what was asked for last has had a pause's time to be done with, and tells what has been seen since
    /// the last time; no more is looked at then.
    func last() -> [Sample] {
        usleep(UInt32(min(pause, 10) * 1e6))
        phase.withLock { $0 = .lastLook }
        while phase.withLock({ $0 != .over }) { usleep(2_000) }
        return samples()
    }

    /// No more is looked at; the thread ends in a moment.
    func stop() { phase.withLock { if $0 != .over { $0 = .stopped } } }

    private func look(_ socket: String) {
        var began = MonotonicClock.seconds
        let gateway = SampledGateway(socket)
        var figures = ProcessFigures(controller: gateway.controller())
        var isFirst = true
        while true {
            let asked = phase.withLock { $0 }
            guard asked == .looking || asked == .lastLook else { break }
            var sample = Sample(at: MonotonicClock.seconds - began)
            sample.parts = figures.look(isLast: asked == .lastLook)
            gateway.look(&sample)
            // The run begins when its first sample is there.
            if isFirst { (sample.at, began, isFirst) = (0, MonotonicClock.seconds, false) }
            found.withLock { $0.append(sample) }
            _ = clinux_wake(waker)
            if asked == .lastLook { break }
            // A look that took long is not made up for by several at once.
            let now = MonotonicClock.seconds
            usleep(UInt32((began + ((now - began) / pause + 1).rounded(.down) * pause - now + 0.001) * 1e6))
        }
        phase.withLock { $0 = .over }
    }
}

/// What the controller says of the gateway.
struct SampledGateway {
    private let path: String
    private let line: ControllerLine

    init(_ path: String) {
        self.path = path
        line = ControllerLine(path, patience: 10)
    }

    /// The controller's process; nil: it cannot be told.
    func controller() -> pid_t? { (try? ControlConnection(path: path, patience: 10))?.controller }

    func look(_ sample: inout Sample) {
        if case .hosts(let hosts) = ask(.hosts) {
            for host in hosts {
                // Of one that is away nothing is known.
                guard let memory = host.memory, let load = host.load else { continue }
                sample.hosts[host.host] = Sample.Host(
                    memoryAvailable: memory, load: load, ready: host.ready + host.readyGL, used: host.uses)
            }
        }
        if case .counters(let counters) = ask(.counters) {
            sample.counters = counters
            for state in ["starting", "running", "ending", "failed"] {
                sample.states[state] = counters["stress." + state].map { Int(clamping: $0) }
            }
        }
    }

    /// One round trip; nil when there is no answer.
    private func ask(_ request: ControlRequest) -> ControlReply? { try? line.ask(request) }
}
