import CLinux
import Glibc
import SessionModel

extension Keeper {
    /// Ends all viewers' connections.
    func cutViewers() {
        for mover in movers.values { mover.close() }
        movers = [:]
    }

    /// Lets a viewer with the right key through to the display.
    func admit(_ door: Int32) {
        var words = [UInt8](repeating: 0, count: 128)
        var viewer: Int32 = -1
        let count = clinux_receive_descriptor(door, &words, words.count, &viewer)
        guard count >= 0, viewer >= 0 else { return }
        guard let order, equalInConstantTime(words[..<count], Array(order.key.exposed.utf8)) else {
            return turnAway(viewer)
        }
        connect(viewer, to: order.uid)
    }

    /// Connects a viewer with the display that `owner` serves; one that has many before this viewer does when it has room again.
    private func connect(_ viewer: Int32, to owner: UInt32) {
        loop.insist { [self] last in
            if state != .ending, let display = connectUnix(folder.rfb, boundBy: owner) {
                move(between: viewer, and: display)
            } else if state != .ending, errno == EAGAIN, !last {
                return .again
            } else {
                turnAway(viewer)
            }
            return .done
        }
    }

    private func move(between viewer: Int32, and display: Int32) {
        guard writeAll(Array("OK\n".utf8), to: viewer) else {
            close(viewer)
            close(display)
            return
        }
        let mover = ByteMover(loop: loop, viewer: viewer, display: display) { [self] mover in
            movers[ObjectIdentifier(mover)] = nil
        }
        if let mover {
            movers[ObjectIdentifier(mover)] = mover
        } else {
            close(viewer)
            close(display)
        }
    }

    private func turnAway(_ viewer: Int32) {
        _ = writeAll(Array("NO such display or key\n".utf8), to: viewer)
        close(viewer)
    }
}

/// Compares without telling by its time where the difference is.
func equalInConstantTime(_ left: some Collection<UInt8>, _ right: some Collection<UInt8>) -> Bool {
    guard left.count == right.count else { return false }
    return zip(left, right).reduce(0) { $0 | ($1.0 ^ $1.1) } == 0
}
