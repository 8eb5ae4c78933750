import Glibc

/// Tells the service manager `state` (sd_notify(3)), when `$NOTIFY_SOCKET` names one that wants to hear: `READY=1` that this
/// process serves from now on, `MAINPID=N` that the service is another process. Nobody waits for an answer.
public func noticeService(_ state: String) {
    guard let name = getenv("NOTIFY_SOCKET").map({ Array(String(cString: $0).utf8) }), let first = name.first else {
        return
    }
    let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { return }
    defer { close(descriptor) }
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    guard name.count < MemoryLayout.size(ofValue: address.sun_path) else { return }
    withUnsafeMutableBytes(of: &address.sun_path) { path in
        path.copyBytes(from: name)
        // An abstract name starts with a zero byte and is written with an @ (unix(7)).
        if first == UInt8(ascii: "@") { path[0] = 0 }
    }
    let length = socklen_t(MemoryLayout<sa_family_t>.size + name.count)
    let bytes = Array(state.utf8)
    _ = withUnsafePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            sendto(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL), $0, length)
        }
    }
}
