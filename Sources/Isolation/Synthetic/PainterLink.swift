import CLinux
import Glibc
import SessionModel

/// The privileged side of the painter's packet socket: what the painter cannot take yet waits here.
final class PainterLink {
    private let loop: Loop
    private let socket: Int32
    private var queue: [(bytes: [UInt8], descriptor: Int32?)] = []

    /// Speaks over `socket`; `fallen` hears of displays that have ended, and `ended` of the painter's own end.
    init(loop: Loop, socket: Int32, fallen: @escaping (DisplayNumber) -> Void, ended: @escaping () -> Void) {
        self.loop = loop
        self.socket = socket
        loop.watch(socket) { [self] events in
            if events & Int16(POLLOUT) != 0 { flush() }
            guard events & Int16(POLLIN | POLLHUP | POLLERR) != 0 else { return }
            var words = [UInt8](repeating: 0, count: 16)
            // So many at a time: a painter that was taken over may say things without end.
            for _ in 0..<256 {
                let count = recv(socket, &words, words.count, Int32(MSG_DONTWAIT))
                if count < 0 && (errno == EAGAIN || errno == EINTR) { return }
                guard count > 0 else { return ended() }
                let number = Int(String(decoding: words[..<count], as: UTF8.self))
                if let number = number.flatMap({ try? DisplayNumber($0) }) { fallen(number) }
            }
        }
    }

    /// Says `word`; `descriptor` goes with it and is closed here.
    func say(_ word: PainterWord, with descriptor: Int32? = nil) {
        queue.append((word.bytes, descriptor))
        flush()
    }

    private func flush() {
        var said = 0
        while said < queue.count, put(queue[said]) {
            if let descriptor = queue[said].descriptor { close(descriptor) }
            said += 1
        }
        queue.removeFirst(said)
        loop.wait(socket, for: POLLIN | (queue.isEmpty ? 0 : POLLOUT))
    }

    /// Whether it went; the end of a painter that is gone is told by the loop.
    private func put(_ packet: (bytes: [UInt8], descriptor: Int32?)) -> Bool {
        let (bytes, descriptor) = packet
        while true {
            let count =
                descriptor.map { clinux_send_descriptor(socket, nil, 0, bytes, bytes.count, $0) }
                ?? send(socket, bytes, bytes.count, Int32(MSG_NOSIGNAL | MSG_DONTWAIT))
            if count < 0 && errno == EINTR { continue }
            return count == bytes.count
        }
    }
}
