import Glibc
import Synchronization

/// The doors of a relay that takes no one any more: closed once no loop waits at them, so that the port is free as soon
/// as whoever has them besides is gone.
final class Departure: Sendable {
    private let doors: [ListeningSocket]
    private let waiting: Mutex<Int>

    /// The `doors` of so many loops.
    init(_ doors: [ListeningSocket], loops: Int) {
        self.doors = doors
        waiting = Mutex(loops)
    }

    /// A loop does not wait at the doors any more; each says so once.
    func loopHasLeft() {
        let isLast = waiting.withLock { waiting in
            waiting -= 1
            return waiting == 0
        }
        if isLast { for door in doors { close(door.descriptor) } }
    }
}
