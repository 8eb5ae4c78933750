#pragma once
// What Swift cannot say: variadics, macros, what glibc shows only with _GNU_SOURCE. No decisions here.
#include "epoll_system.h"
#include "homes_system.h"
#include "isolation_system.h"
#include "peer_system.h"
#include "sight_system.h"
#include "tcp_system.h"
#include <spawn.h>
#include <sys/types.h>

/// fork(2): only a single-threaded process calls it.
pid_t clinux_fork(void);

/// posix_spawn_file_actions_addclosefrom_np: the program has no descriptor from `first` to the last.
int clinux_spawn_without(posix_spawn_file_actions_t *actions, int first);
