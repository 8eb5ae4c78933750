import Foundation
import UnixSockets

/// A server of a test's own on a unix socket. Each connection has a thread of its own: tasks would wait for a turn among
/// all tests.
public final class UnixDoor: Sendable {
    private let door: Int32

    /// Listens at `path` until ``stop()``; `serve` has the connection's descriptor, which is closed when it returns.
    public init(path: String, serve: @escaping @Sendable (Int32) -> Void) throws {
        guard let address = UnixAddress(path: path) else { throw TestServerError("\(path) is no socket's path") }
        door = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard address.withPointer({ bind(door, $0, $1) }) == 0, listen(door, 2000) == 0 else {
            throw TestServerError("nobody can listen at \(path)")
        }
        Thread.detachNewThread { [door] in
            while true {
                let peer = accept(door, nil, nil)
                guard peer >= 0 else { return }
                Thread.detachNewThread {
                    serve(peer)
                    close(peer)
                }
            }
        }
    }

    /// Nobody is let in any more; connections stay.
    public func stop() {
        shutdown(door, Int32(SHUT_RDWR))
        close(door)
    }
}
