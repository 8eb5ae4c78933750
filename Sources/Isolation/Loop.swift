import Glibc

/// A poll(2) loop: descriptors and timers of one single-threaded process.
final class Loop {
    private struct Watch {
        var events: Int16
        var handler: (Int16) -> Void
    }
    private var watches: [Int32: Watch] = [:]
    /// What poll(2) is asked, made anew only when it is not what is watched any more: there may be hundreds.
    private var polled: [pollfd] = []
    private var isCurrent = false
    private var timers: [UInt64: (deadline: Double, action: () -> Void)] = [:]
    private var lastTimer: UInt64 = 0
    private var running = true

    /// Calls `handler` with what poll(2) says of `fd`, an error or hang-up included.
    func watch(_ fd: Int32, _ events: Int32 = POLLIN, _ handler: @escaping (Int16) -> Void) {
        watches[fd] = Watch(events: Int16(events), handler: handler)
        isCurrent = false
    }

    /// Changes what is waited for; 0 leaves the descriptor out entirely.
    func wait(_ fd: Int32, for events: Int32) {
        guard let watch = watches[fd], watch.events != Int16(events) else { return }
        watches[fd]?.events = Int16(events)
        isCurrent = false
    }

    /// Forgets `fd`, which the caller closes.
    func forget(_ fd: Int32) {
        watches[fd] = nil
        isCurrent = false
    }

    /// Calls `action` once, in `seconds`.
    @discardableResult
    func after(_ seconds: Double, _ action: @escaping () -> Void) -> UInt64 {
        lastTimer += 1
        timers[lastTimer] = (now() + seconds, action)
        return lastTimer
    }

    /// Forgets a timer that may have fired.
    func cancel(_ timer: UInt64?) { if let timer { timers[timer] = nil } }

    /// Ends ``run()`` after the present turn.
    func stop() { running = false }

    /// Serves until ``stop()``.
    func run() {
        while running {
            if !isCurrent {
                polled.removeAll(keepingCapacity: true)
                for (fd, watch) in watches where watch.events != 0 {
                    polled.append(pollfd(fd: fd, events: watch.events, revents: 0))
                }
                isCurrent = true
            }
            var patience: Int32 = -1
            if let next = timers.values.map(\.deadline).min() {
                patience = Int32(max(0, min(60_000, ((next - now()) * 1000).rounded(.up))))
            }
            let count = poll(&polled, nfds_t(polled.count), patience)
            if count > 0 {
                for one in polled where one.revents != 0 { watches[one.fd]?.handler(one.revents) }
            }
            let time = now()
            for (timer, entry) in timers.sorted(by: { $0.key < $1.key }) where entry.deadline <= time {
                guard timers.removeValue(forKey: timer) != nil else { continue }
                entry.action()
            }
        }
    }
}
