#pragma once
#include <sys/types.h>

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
