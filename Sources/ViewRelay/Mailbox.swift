import CLinux
import ControlProtocol
import Synchronization

/// What other threads tell a loop.
enum LoopMessage: Sendable {
    case resolved(connection: UInt64, ControlReply)
    /// Where a host of a routes file is; none: nobody knows.
    case located(connection: UInt64, [Endpoint])
    case cut([UInt64])
    /// Handshakes use these from now on.
    case pairs(TLSPairs)
    /// Accepts no one any more, and serves those who are there.
    case leave
    case stop
}

/// A loop's letters; an eventfd(2) wakes it.
final class Mailbox: Sendable {
    let descriptor: Int32
    private let letters = Mutex<[LoopMessage]>([])

    init() { descriptor = clinux_waker() }

    func post(_ message: LoopMessage) {
        letters.withLock { $0.append(message) }
        _ = clinux_wake(descriptor)
    }

    func take() -> [LoopMessage] {
        _ = clinux_calm(descriptor)
        return letters.withLock { letters in
            defer { letters = [] }
            return letters
        }
    }
}
