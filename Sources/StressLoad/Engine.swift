import CLinux
import COpenSSL
import Glibc
import SessionModel

/// Something an event of epoll(7) is for.
protocol Wire: AnyObject {
    func ready(_ events: UInt32)
}

/// One thread's loop: sockets, and moments that were waited for.
final class Engine {
    let tls: OpaquePointer
    /// Where everyone reads into.
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 128 * 1024, alignment: 16)
    /// What other threads wake the loop by.
    let waker: Int32

    private let poll: Int32
    private var began = MonotonicClock.seconds
    private var wires: [UInt64: any Wire] = [:]
    private var lastSerial: UInt64 = 0
    private var timers: [Timer] = []
    private var lastTimer: UInt64 = 0
    private let answers = UnsafeMutablePointer<epoll_event>.allocate(capacity: 512)
    private static let wakerSerial: UInt64 = 0

    private struct Timer {
        let at: Double
        let number: UInt64
        let body: () -> Void

        func comes(before other: Timer) -> Bool { (at, number) < (other.at, other.number) }
    }

    /// A loop whose viewers trust the authority in the PEM file `authority`, or anyone.
    init(authority: String?) throws(LoadError) {
        poll = epoll_create1(Int32(EPOLL_CLOEXEC))
        waker = clinux_waker()
        guard poll >= 0, waker >= 0, let tls = SSL_CTX_new(TLS_client_method()) else { throw .noLoop(errno: errno) }
        self.tls = tls
        _ = copenssl_min_version(tls, TLS1_2_VERSION)
        _ = copenssl_set_mode(
            tls,
            Int(SSL_MODE_RELEASE_BUFFERS) | Int(SSL_MODE_ENABLE_PARTIAL_WRITE)
                | Int(SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER))
        _ = copenssl_cache_off(tls)
        if let authority {
            guard SSL_CTX_load_verify_locations(tls, authority, nil) == 1 else { throw .noAuthority(authority) }
            SSL_CTX_set_verify(tls, SSL_VERIFY_PEER, nil)
        }
        // OpenSSL writes with write(2), which would end the process when the peer is gone.
        clinux_ignore_signal(SIGPIPE)
        _ = clinux_epoll_control(poll, EPOLL_CTL_ADD, waker, clinux_epoll_in, Self.wakerSerial)
    }

    deinit {
        SSL_CTX_free(tls)
        close(poll)
        close(waker)
        buffer.deallocate()
        answers.deallocate()
    }

    /// Seconds since the run began.
    var now: Double { MonotonicClock.seconds - began }

    /// A run begins now; none of the last one's moments is waited for.
    func restart() {
        began = MonotonicClock.seconds
        timers = []
    }

    /// Registers `wire`, which is kept until ``forget(_:_:)``.
    func add(_ wire: any Wire, _ descriptor: Int32, reads: Bool, writes: Bool) -> UInt64 {
        lastSerial += 1
        wires[lastSerial] = wire
        _ = clinux_epoll_control(poll, EPOLL_CTL_ADD, descriptor, Self.interest(reads, writes), lastSerial)
        return lastSerial
    }

    func change(_ serial: UInt64, _ descriptor: Int32, reads: Bool, writes: Bool) {
        _ = clinux_epoll_control(poll, EPOLL_CTL_MOD, descriptor, Self.interest(reads, writes), serial)
    }

    /// Closes `descriptor`.
    func forget(_ serial: UInt64, _ descriptor: Int32) {
        wires[serial] = nil
        close(descriptor)
    }

    private static func interest(_ reads: Bool, _ writes: Bool) -> UInt32 {
        (reads ? clinux_epoll_in : 0) | (writes ? clinux_epoll_out : 0)
    }

    /// Runs `body` at a moment of ``now``, or soon where it has passed.
    func at(_ moment: Double, _ body: @escaping () -> Void) {
        lastTimer += 1
        timers.append(Timer(at: moment, number: lastTimer, body: body))
        var child = timers.count - 1
        while child > 0, timers[child].comes(before: timers[(child - 1) / 2]) {
            timers.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    func after(_ seconds: Double, _ body: @escaping () -> Void) { at(now + seconds, body) }

    /// Serves what is ready and due, or waits for it; at most a second.
    func turn() {
        let wait = timers.first.map { max(0, min($0.at - now, 1)) } ?? 1
        let count = epoll_wait(poll, answers, 512, Int32((wait * 1000).rounded(.up)))
        for index in 0..<max(count, 0) {
            let serial = clinux_epoll_data(answers, index)
            if serial == Self.wakerSerial {
                _ = clinux_calm(waker)
            } else {
                wires[serial]?.ready(clinux_epoll_events(answers, index))
            }
        }
        let moment = now
        while let first = timers.first, first.at <= moment { takeFirst().body() }
    }

    private func takeFirst() -> Timer {
        let first = timers[0]
        let last = timers.removeLast()
        guard !timers.isEmpty else { return first }
        timers[0] = last
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2]
            where child < timers.count && timers[child].comes(before: timers[least]) {
                least = child
            }
            guard least != parent else { return first }
            timers.swapAt(parent, least)
            parent = least
        }
    }
}

/// CLOCK_MONOTONIC, which all processes of a machine share.
enum MonotonicClock {
    static var seconds: Double {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}
