#define _GNU_SOURCE
#include "peer_system.h"
#include <stddef.h>
#include <sys/socket.h>

_Static_assert(sizeof(struct clinux_peer) == sizeof(struct ucred), "struct ucred of unix(7)");

int clinux_peer_of(int socket, struct clinux_peer *peer) {
    socklen_t length = sizeof *peer;
    return getsockopt(socket, SOL_SOCKET, SO_PEERCRED, peer, &length);
}

int clinux_accept(int socket) { return accept4(socket, NULL, NULL, SOCK_CLOEXEC); }

int clinux_accept_peer(int socket, struct sockaddr_storage *peer) {
    socklen_t length = sizeof *peer;
    return accept4(socket, (struct sockaddr *)peer, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

int clinux_packet_pair(int ends[2]) { return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends); }
