import Glibc

/// Descriptors and timers of one single-threaded process. What a turn costs does not grow with what is watched: an agent
/// has hundreds of keepers, of which one or two have something to say.
final class Loop {
    private struct Watch {
        var events: Int32
        var handler: (Int16) -> Void
    }
    private let ready = ReadinessSet()
    private var watches: [Int32: Watch] = [:]
    /// Files, which epoll(7) does not take: they can always be read and written.
    private var files: Set<Int32> = []
    private var timers: [UInt64: (deadline: Double, action: () -> Void)] = [:]
    private var lastTimer: UInt64 = 0
    private var running = true

    /// Calls `handler` with what there is to know of `fd`, as poll(2) says it, an error or hang-up included; with 0 it is
    /// left out until ``wait(_:for:)``.
    func watch(_ fd: Int32, _ events: Int32 = POLLIN, _ handler: @escaping (Int16) -> Void) {
        forget(fd)
        watches[fd] = Watch(events: events, handler: handler)
        if events != 0 { add(fd, events) }
    }

    /// Changes what is waited for; 0 leaves the descriptor out entirely.
    func wait(_ fd: Int32, for events: Int32) {
        guard let watch = watches[fd], watch.events != events else { return }
        watches[fd]?.events = events
        if events == 0 {
            leaveOut(fd)
        } else if watch.events == 0 {
            add(fd, events)
        } else if !files.contains(fd) {
            ready.set(fd, events)
        }
    }

    /// Forgets `fd`, which the caller closes, after this.
    func forget(_ fd: Int32) {
        guard let watch = watches.removeValue(forKey: fd) else { return }
        if watch.events != 0 { leaveOut(fd) }
    }

    private func add(_ fd: Int32, _ events: Int32) {
        guard !ready.add(fd, events) else { return }
        if errno == EPERM { files.insert(fd) } else { log("epoll_ctl: \(String(cString: strerror(errno)))") }
    }

    private func leaveOut(_ fd: Int32) { if files.remove(fd) == nil { ready.remove(fd) } }

    /// Calls `action` once, in `seconds`.
    @discardableResult
    func after(_ seconds: Double, _ action: @escaping () -> Void) -> UInt64 {
        lastTimer += 1
        timers[lastTimer] = (now() + seconds, action)
        return lastTimer
    }

    /// Forgets a timer that may have fired.
    func cancel(_ timer: UInt64?) { if let timer { timers[timer] = nil } }

    /// Calls `attempt` now, and every 10 ms while it answers that it has to be made again, for 5 s; its last call is told that
    /// there is no other.
    func insist(lasting tries: Int = 500, _ attempt: @escaping (_ last: Bool) -> Attempt) {
        guard attempt(tries == 0) == .again, tries > 0 else { return }
        after(0.01) { [self] in insist(lasting: tries - 1, attempt) }
    }

    /// What came of an attempt.
    enum Attempt { case done, again }

    /// Ends ``run()`` after the present turn.
    func stop() { running = false }

    /// Serves until ``stop()``.
    func run() {
        while running {
            let next = timers.values.lazy.map(\.deadline).min()
            ready.wait(seconds: files.isEmpty ? next.map { $0 - now() } : 0) { fd, events in
                watches[fd]?.handler(events)
            }
            for fd in files { if let watch = watches[fd] { watch.handler(Int16(watch.events)) } }
            let time = now()
            guard let next, next <= time else { continue }
            for timer in timers.filter({ $0.value.deadline <= time }).keys.sorted() {
                timers.removeValue(forKey: timer)?.action()
            }
        }
    }
}
