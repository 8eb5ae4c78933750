#pragma once
// What Swift cannot say: variadics, macros, what glibc shows only with _GNU_SOURCE. No decisions here.
#include "epoll_system.h"
#include "homes_system.h"
#include "isolation_system.h"
#include "peer_system.h"
#include "sight_system.h"
#include "tcp_system.h"
#include <sys/types.h>

/// fork(2): only a single-threaded process calls it.
pid_t clinux_fork(void);
