import CLinux
import ControlProtocol
import Glibc
import SessionModel
import Synchronization
import UnixSockets

/// The controller's end of the control socket: one thread accepts, one thread a connection reads, and every request
/// is answered by a task of its own, so that a slow start keeps nobody else waiting.
public final class ControlListener: Sendable {
    private let socket: Int32
    private let path: String
    /// Connections at the same time; one more is closed at once.
    private let most: Int
    private let open = Mutex<Set<Int32>>([])

    /// Binds `path` (107 bytes at most, unix(7)) for everyone to connect; who may ask what is decided by the peer's
    /// uid. A socket file nobody listens on any more is replaced; one that answers is another controller: throws.
    public init(path: String, most: Int = 1024) throws(ControlSocketError) {
        guard let address = UnixAddress(path: path) else { throw .pathTooLong(path) }
        if let other = try? ControlConnection(path: path) {
            other.close()
            throw .inUse(path: path)
        }
        unlink(path)
        let socket = Glibc.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard socket >= 0 else { throw .broken(errno: errno) }
        let failure = address.withPointer { bind(socket, $0, $1) == 0 ? 0 : errno }
        guard failure == 0, chmod(path, 0o666) == 0, listen(socket, 1024) == 0 else {
            let cause = failure == 0 ? errno : failure
            Glibc.close(socket)
            throw .broken(errno: cause)
        }
        self.socket = socket
        self.path = path
        self.most = most
    }

    /// Answers requests with `answer` until ``close()``. Returns at once; the threads live on.
    public func serve(
        _ answer: @escaping @Sendable (ControlRequest, Caller) async -> ControlReply
    ) throws(ThreadError) {
        try detachThread { [self] in
            while true {
                let connection = clinux_accept(socket)
                if connection >= 0 {
                    receive(connection, answer)
                } else if errno == EMFILE || errno == ENFILE {
                    // Descriptors are short: those who wait in the queue are served when one is given back.
                    usleep(50_000)
                } else if errno != EINTR && errno != ECONNABORTED {
                    return
                }
            }
        }
    }

    /// Stops accepting and ends every connection; replies under way are dropped.
    public func close() {
        unlink(path)
        shutdown(socket, Int32(SHUT_RDWR))
        open.withLock { connections in
            for connection in connections { shutdown(connection, Int32(SHUT_RDWR)) }
        }
    }

    private func receive(
        _ connection: Int32, _ answer: @escaping @Sendable (ControlRequest, Caller) async -> ControlReply
    ) {
        guard let caller = Caller(peerOf: connection), count(connection) else {
            Glibc.close(connection)
            return
        }
        do throws(ThreadError) {
            try detachThread { [self] in
                let replies = ReplyWriter(connection)
                readRequests(from: connection) { frame in
                    Task { replies.write(ControlFrame(id: frame.id, body: await answer(frame.body, caller))) }
                }
                uncount(connection)
                replies.finish()
            }
        } catch {
            // Who asks hears that at once, and may come again.
            uncount(connection)
            Glibc.close(connection)
        }
    }

    /// Whether `connection` is one of the ``most``; then ``close()`` ends it too.
    private func count(_ connection: Int32) -> Bool {
        open.withLock { connections in
            guard connections.count < most else { return false }
            connections.insert(connection)
            return true
        }
    }

    /// Before its descriptor is closed: the number may be another connection's right after.
    private func uncount(_ connection: Int32) {
        open.withLock { _ = $0.remove(connection) }
    }

    /// Reads frames until the peer leaves or says what is not a request.
    private func readRequests(from connection: Int32, _ each: (ControlFrame<ControlRequest>) -> Void) {
        var lines = ControlLines()
        // A request is short, and hundreds may wait.
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = buffer.withUnsafeMutableBytes { recv(connection, $0.baseAddress, $0.count, 0) }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { return }
            lines.append(buffer[..<count])
            do {
                while let line = try lines.next() { each(try ControlLines.frame(in: line)) }
            } catch {
                return
            }
        }
    }
}

/// Writes replies whole, one after another, and closes the connection when its reader is done and the last reply that
/// still can be written is. Tasks hold it; the lock is what makes it Sendable.
private final class ReplyWriter: Sendable {
    private let connection: Mutex<Int32?>

    init(_ connection: Int32) { self.connection = Mutex(connection) }

    func write(_ reply: ControlFrame<ControlReply>) {
        guard let line = try? ControlLines.line(of: reply) else { return finish() }
        connection.withLock { connection in
            guard let connection else { return }
            var rest = line[...]
            while !rest.isEmpty {
                let count = rest.withUnsafeBytes {
                    send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
                }
                if count < 0 && errno == EINTR { continue }
                guard count > 0 else { return }
                rest = rest.dropFirst(count)
            }
        }
    }

    func finish() {
        connection.withLock { connection in
            if let descriptor = connection { close(descriptor) }
            connection = nil
        }
    }
}
