import CLinux
import Glibc

/// Moves one viewer's bytes to and from a display's socket with splice(2), until both directions have ended.
final class ByteMover {
    private struct Direction {
        let from: Int32
        let to: Int32
        var pipe: [Int32] = [-1, -1]
        /// Bytes in the pipe.
        var held = 0
        var sourceEnded = false
        var finished = false
    }
    private let loop: Loop
    private let ended: (ByteMover) -> Void
    private var directions: [Direction]
    private var open = true

    /// Takes over both sockets and closes them.
    init?(loop: Loop, viewer: Int32, display: Int32, ended: @escaping (ByteMover) -> Void) {
        self.loop = loop
        self.ended = ended
        directions = [Direction(from: viewer, to: display), Direction(from: display, to: viewer)]
        guard clinux_pipe(&directions[0].pipe) == 0, clinux_pipe(&directions[1].pipe) == 0 else {
            open = false
            for direction in directions { for fd in direction.pipe where fd >= 0 { Glibc.close(fd) } }
            return nil
        }
        makeNonblocking(viewer)
        makeNonblocking(display)
        for fd in [viewer, display] { loop.watch(fd) { [weak self] events in self?.move(fd, events) } }
    }

    /// Closes both sides.
    func close() {
        guard open else { return }
        open = false
        for direction in directions {
            loop.forget(direction.from)
            // Unread bytes at its close would be a broken connection to the other side, not an end (unix(7)).
            shutdown(direction.from, Int32(SHUT_RDWR))
            var unread = [UInt8](repeating: 0, count: 65536)
            while read(direction.from, &unread, unread.count) > 0 {}
            Glibc.close(direction.from)
            for fd in direction.pipe { Glibc.close(fd) }
        }
    }

    private func move(_ fd: Int32, _ events: Int16) {
        if events & Int16(POLLERR) != 0 { return finish() }
        for index in directions.indices where !directions[index].finished {
            guard turn(&directions[index]) else { return finish() }
        }
        if directions.allSatisfy(\.finished) { return finish() }
        for side in [0, 1] {
            let reading = !directions[side].sourceEnded && directions[side].held == 0
            let writing = directions[1 - side].held > 0
            loop.wait(directions[side].from, for: (reading ? POLLIN : 0) | (writing ? POLLOUT : 0))
        }
    }

    private func finish() {
        guard open else { return }
        close()
        ended(self)
    }

    /// One turn of a direction; false when a side is broken.
    private func turn(_ direction: inout Direction) -> Bool {
        if direction.held == 0, !direction.sourceEnded {
            let count = clinux_splice(direction.from, direction.pipe[1], 65536)
            if count < 0 && errno != EAGAIN && errno != EINTR { return false }
            if count == 0 { direction.sourceEnded = true }
            if count > 0 { direction.held = count }
        }
        if direction.held > 0 {
            let count = clinux_splice(direction.pipe[0], direction.to, direction.held)
            if count < 0 && errno != EAGAIN && errno != EINTR { return false }
            if count > 0 { direction.held -= count }
        }
        if direction.sourceEnded, direction.held == 0 {
            direction.finished = true
            shutdown(direction.to, Int32(SHUT_WR))
        }
        return true
    }
}
