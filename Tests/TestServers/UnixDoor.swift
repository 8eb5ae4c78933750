import Foundation

/// A server of a test's own on a unix socket. Each connection has a thread of its own: tasks would wait for a turn among
/// all tests.
public final class UnixDoor: Sendable {
    private let door: Int32

    /// Listens at `path` until ``stop()``; `serve` has the connection's descriptor, which is closed when it returns.
    public init(path: String, serve: @escaping @Sendable (Int32) -> Void) throws {
        door = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let isBound = withUnsafePointer(to: address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(door, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) == 0
            }
        }
        guard isBound, listen(door, 2000) == 0 else { throw TestServerError("nobody can listen at \(path)") }
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
