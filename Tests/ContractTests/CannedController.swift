import ControlProtocol
import ControlSocket
import Foundation
import Glibc
import Synchronization
import UnixSockets

/// A controller that answers from a table of the test: a real socket, one connection after the other.
final class CannedController: Sendable {
    let path: String
    private let listener: Int32
    private let heard = Mutex<[ControlRequest]>([])
    private let reply: @Sendable (ControlRequest) -> ControlReply?

    /// Listens; `reply` gives nil to hang up without an answer.
    init(reply: @escaping @Sendable (ControlRequest) -> ControlReply?) throws {
        var name = Array("/tmp/mwctXXXXXX".utf8CString)
        guard mkdtemp(&name) != nil else { throw Failure.system("mkdtemp", errno) }
        chmod(&name, 0o755)
        path = String(decoding: name.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self) + "/s"
        self.reply = reply
        listener = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        let bound = UnixAddress(path: path)?.withPointer { bind(listener, $0, $1) }
        guard bound == 0, listen(listener, 16) == 0 else { throw Failure.system("listen", errno) }
        Thread.detachNewThread { [self] in serve() }
    }

    /// Everything that was asked so far.
    var requests: [ControlRequest] { heard.withLock { $0 } }

    /// Ends it; its folder goes.
    func close() {
        shutdown(listener, Int32(SHUT_RDWR))
        unlink(path)
        rmdir(String(path.dropLast(2)))
    }

    private func serve() {
        while true {
            let connection = accept(listener, nil, nil)
            guard connection >= 0 else { break }
            answer(connection)
            Glibc.close(connection)
        }
        Glibc.close(listener)
    }

    private func answer(_ connection: Int32) {
        var lines = ControlLines()
        var room = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = recv(connection, &room, room.count, 0)
            guard count > 0 else { return }
            lines.append(room[..<count])
            guard let line = try? lines.next() else { continue }
            guard let frame = try? ControlLines.frame(in: line, of: ControlRequest.self) else { return }
            heard.withLock { $0.append(frame.body) }
            guard let body = reply(frame.body),
                let bytes = try? ControlLines.line(of: ControlFrame(id: frame.id, body: body))
            else { return }
            send(connection, bytes, bytes.count, Int32(MSG_NOSIGNAL))
            return
        }
    }

    enum Failure: Error { case system(String, Int32) }
}
