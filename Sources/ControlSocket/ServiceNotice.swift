import Glibc

/// Tells whoever started this process as a service that it serves from now on: `READY=1` to the socket that
/// `$NOTIFY_SOCKET` names (sd_notify(3)). Nothing happens where none is named, and nobody waits for an answer.
public func tellServiceReady() {
    guard let path = getenv("NOTIFY_SOCKET").map({ String(cString: $0) }), path.hasPrefix("/") else { return }
    let socket = Glibc.socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard socket >= 0 else { return }
    let message = Array("READY=1".utf8)
    _ = try? withUnixAddress(path) { address, length in
        sendto(socket, message, message.count, 0, address, length)
    }
    close(socket)
}
