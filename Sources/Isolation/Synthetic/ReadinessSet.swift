import CLinux
import Glibc

/// An epoll(7) set: many descriptors, of which few have something to say at a time.
final class ReadinessSet {
    /// Readable when one of them has; to be watched, or waited for with ``wait(seconds:_:)``.
    let descriptor = epoll_create1(Int32(EPOLL_CLOEXEC))
    private let answers = UnsafeMutablePointer<epoll_event>.allocate(capacity: 256)

    deinit {
        answers.deallocate()
        close(descriptor)
    }

    /// Takes `fd` in, for reading; false with errno.
    func add(_ fd: Int32) -> Bool {
        clinux_epoll_control(descriptor, EPOLL_CTL_ADD, fd, clinux_epoll_in, UInt64(fd)) == 0
    }

    /// Whether writing is waited for too.
    func set(_ fd: Int32, writes: Bool) {
        let events = clinux_epoll_in | (writes ? clinux_epoll_out : 0)
        _ = clinux_epoll_control(descriptor, EPOLL_CTL_MOD, fd, events, UInt64(fd))
    }

    /// Leaves `fd` out; called before it is closed.
    func remove(_ fd: Int32) { _ = clinux_epoll_control(descriptor, EPOLL_CTL_DEL, fd, 0, UInt64(fd)) }

    /// Calls `body` for those that are ready, at most 256 of them, after at most `seconds`; nil: however long it takes.
    /// One that has gone may still be told in the same turn.
    func wait(seconds: Double?, _ body: (Int32) -> Void) {
        let patience = seconds.map { Int32(max(0, min(60, $0)) * 1000 + 0.999) } ?? -1
        let count = epoll_wait(descriptor, answers, 256, patience)
        for index in 0..<max(0, count) {
            body(Int32(truncatingIfNeeded: clinux_epoll_data(answers, Int32(index))))
        }
    }
}
