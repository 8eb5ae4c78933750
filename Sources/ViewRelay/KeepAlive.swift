import CLinux
import Glibc

/// Has TCP ask a peer that was silent for `idle` seconds for an acknowledgement, every 10 s, and give it up when `count`
/// are missing (tcp(7)). What a listening socket is told, its connections inherit.
func keepAlive(_ descriptor: Int32, idle: Int32, count: Int32) {
    var on: Int32 = 1
    setsockopt(descriptor, SOL_SOCKET, SO_KEEPALIVE, &on, socklen_t(MemoryLayout<Int32>.size))
    _ = clinux_tcp_option(descriptor, clinux_tcp_keep_idle, idle)
    _ = clinux_tcp_option(descriptor, clinux_tcp_keep_interval, 10)
    _ = clinux_tcp_option(descriptor, clinux_tcp_keep_count, count)
}
