#pragma once
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

/// Milliseconds since the peer last acknowledged anything, keep-alive probes too (TCP_INFO of tcp(7)); in `age`.
/// Returns what getsockopt(2) returned.
static inline int clinux_last_acknowledged(int descriptor, uint32_t *age) {
    struct tcp_info info = {0};
    socklen_t size = sizeof info;
    int result = getsockopt(descriptor, IPPROTO_TCP, TCP_INFO, &info, &size);
    *age = info.tcpi_last_ack_recv;
    return result;
}

static inline int clinux_tcp_option(int descriptor, int option, int value) {
    return setsockopt(descriptor, IPPROTO_TCP, option, &value, sizeof value);
}
static const int clinux_tcp_no_delay = TCP_NODELAY;
static const int clinux_tcp_keep_idle = TCP_KEEPIDLE;
static const int clinux_tcp_keep_interval = TCP_KEEPINTVL;
static const int clinux_tcp_keep_count = TCP_KEEPCNT;
