import CLinux
import Glibc

/// An epoll(7) set: many descriptors, of which few have something to say at a time. Its events are those of poll(2), which
/// have the same numbers.
final class ReadinessSet {
    private let descriptor = epoll_create1(Int32(EPOLL_CLOEXEC))
    private static let most: Int32 = 256
    private let answers = UnsafeMutablePointer<epoll_event>.allocate(capacity: Int(ReadinessSet.most))

    deinit {
        answers.deallocate()
        close(descriptor)
    }

    /// Takes `fd` in; false with errno.
    func add(_ fd: Int32, _ events: Int32 = POLLIN) -> Bool { control(EPOLL_CTL_ADD, fd, events) }

    /// What `fd` is waited for from now on; false with errno.
    @discardableResult
    func set(_ fd: Int32, _ events: Int32) -> Bool { control(EPOLL_CTL_MOD, fd, events) }

    /// Leaves `fd` out; called before it is closed: while anybody else has it open the set would go on telling of it.
    func remove(_ fd: Int32) { _ = control(EPOLL_CTL_DEL, fd, 0) }

    /// Calls `body` for those that are ready, at most 256 of them, after at most `seconds`; nil: however long it takes.
    /// One that has gone may still be told in the same turn.
    func wait(seconds: Double?, _ body: (_ fd: Int32, _ events: Int16) -> Void) {
        let patience = seconds.map { Int32((max(0, min(60, $0)) * 1000).rounded(.up)) } ?? -1
        let count = epoll_wait(descriptor, answers, Self.most, patience)
        for index in 0..<max(0, count) {
            body(
                Int32(truncatingIfNeeded: clinux_epoll_data(answers, index)),
                Int16(truncatingIfNeeded: clinux_epoll_events(answers, index)))
        }
    }

    private func control(_ operation: Int32, _ fd: Int32, _ events: Int32) -> Bool {
        clinux_epoll_control(descriptor, operation, fd, UInt32(events), UInt64(fd)) == 0
    }
}
