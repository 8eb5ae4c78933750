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
