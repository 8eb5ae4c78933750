import CLinux
import Glibc
import SessionModel

/// The host's one data socket: reads a connection's first line and hands it to the display's keeper.
final class DataDoor {
    private static let longest = 100
    /// Connections whose line is waited for at the same time; others wait in the socket's queue.
    static let most = 256
    private let run: RunFolder
    private let loop = Loop()
    private var open = 0

    private init(run: RunFolder) { self.run = run }

    /// Serves the listening socket that is descriptor 3; descriptor 4 is the lock that says we are there.
    static func main(run: RunFolder) {
        clinux_ignore_signal(SIGPIPE)
        for fd: Int32 in [3, 4] { _ = fcntl(fd, F_SETFD, FD_CLOEXEC) }
        let data = DataDoor(run: run)
        data.loop.watch(3) { _ in data.admit() }
        data.loop.run()
    }

    /// Takes all that wait.
    private func admit() {
        while open < Self.most {
            let fd = accept(3, nil, nil)
            if fd >= 0 {
                welcome(fd)
                continue
            }
            if errno == EMFILE || errno == ENFILE {
                // They stay in the queue, of which the loop would tell at once, again and again.
                loop.wait(3, for: 0)
                loop.after(0.05) { [self] in admitMore() }
            }
            return
        }
    }

    private func admitMore() { if open < Self.most { loop.wait(3, for: POLLIN) } }

    private func welcome(_ fd: Int32) {
        open += 1
        if open == Self.most { loop.wait(3, for: 0) }
        _ = fcntl(fd, F_SETFD, FD_CLOEXEC)
        makeNonblocking(fd)
        var line: [UInt8] = []
        let timer = loop.after(5) { [self] in finish(fd, "NO line in time\n") }
        loop.watch(fd) { [self] _ in
            // Peeked first, so that what follows the line stays for the display.
            var part = [UInt8](repeating: 0, count: Self.longest + 1 - line.count)
            var count = recv(fd, &part, part.count, Int32(MSG_PEEK))
            if count < 0 && (errno == EAGAIN || errno == EINTR) { return }
            let end = count > 0 ? part[..<count].firstIndex(of: UInt8(ascii: "\n")) : nil
            if count > 0 { count = recv(fd, &part, end.map { $0 + 1 } ?? count, 0) }
            guard count > 0 else {
                loop.cancel(timer)
                return finish(fd, nil)
            }
            line += part[..<(end ?? count)]
            guard end != nil || line.count > Self.longest else { return }
            loop.cancel(timer)
            answer(fd, end == nil ? "" : String(decoding: line, as: UTF8.self))
        }
    }

    private func finish(_ fd: Int32, _ words: String?) {
        loop.forget(fd)
        if let words { _ = writeAll(Array(words.utf8), to: fd) }
        close(fd)
        open -= 1
        admitMore()
    }

    private func answer(_ fd: Int32, _ line: String) {
        let words = line.split(separator: " ", omittingEmptySubsequences: false)
        if line == "PING" { return finish(fd, "OK\n") }
        guard words.count == 3, words[0] == "RFB", let number = Int(words[1]).flatMap({ try? DisplayNumber($0) }) else {
            return finish(fd, "NO such word\n")
        }
        loop.forget(fd)
        give(fd, Array(words[2].utf8), to: run.display(number).door)
    }

    /// A keeper that has many before this one is given it when it has room again.
    private func give(_ fd: Int32, _ key: [UInt8], to door: String) {
        loop.insist { [self] last in
            switch handOver(fd, key, to: door) {
            case 0: finish(fd, nil)
            case EAGAIN where !last: return .again
            default: finish(fd, "NO such display or key\n")
            }
            return .done
        }
    }
}
