#pragma once
#include <sys/types.h>

struct sockaddr_storage;

/// struct ucred of unix(7), which glibc shows only with _GNU_SOURCE.
struct clinux_peer {
    pid_t pid;
    uid_t uid;
    gid_t gid;
};

/// getsockopt(SO_PEERCRED); its result.
int clinux_peer_of(int socket, struct clinux_peer *peer);

/// accept4(2) with SOCK_CLOEXEC; its result.
int clinux_accept(int socket);

/// accept4(2), non-blocking and close-on-exec, with the peer's address in `peer`; its result.
int clinux_accept_peer(int socket, struct sockaddr_storage *peer);

/// A pair of sequenced-packet sockets (unix(7)), close-on-exec; 0 or -1.
int clinux_packet_pair(int ends[2]);
