import Glibc
import UnixSockets

/// Tells the service manager `state` (sd_notify(3)), when `$NOTIFY_SOCKET` names one that wants to hear: `READY=1` that this
/// process serves from now on, `MAINPID=N` that the service is another process. Nobody waits for an answer.
public func noticeService(_ state: String) {
    // An abstract name is written with an @ first (sd_notify(3)).
    guard let name = getenv("NOTIFY_SOCKET").map({ String(cString: $0) }),
        let address = name.hasPrefix("@") ? UnixAddress(abstract: name.utf8.dropFirst()) : UnixAddress(path: name)
    else { return }
    address.send(Array(state.utf8))
}
