import Glibc
import UnixSockets

/// Tells the service manager `state` (sd_notify(3)), when `$NOTIFY_SOCKET` names one that wants to hear: `READY=1` that this
/// process serves from now on, `MAINPID=N` that the service is another process. Nobody waits for an answer.
public func noticeService(_ state: String) {
    // An abstract name is written with an @ first (sd_notify(3)).
    guard let name = getenv("NOTIFY_SOCKET").map({ String(cString: $0) }),
        let address = name.hasPrefix("@") ? UnixAddress(abstract: name.utf8.dropFirst()) : UnixAddress(path: name)
    else { return }
    let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { return }
    defer { close(descriptor) }
    let bytes = Array(state.utf8)
    _ = address.withPointer { sendto(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL), $0, $1) }
}
