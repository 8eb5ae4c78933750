#pragma once
// What Swift cannot say: variadics, macros, what glibc shows only with _GNU_SOURCE. No decisions here.
#include "epoll_system.h"
#include "homes_system.h"
#include "isolation_system.h"
#include "peer_system.h"
#include "sight_system.h"
#include "tcp_system.h"
#include <malloc.h>
#include <spawn.h>
#include <sys/types.h>

/// fork(2): only a single-threaded process calls it.
pid_t clinux_fork(void);

/// posix_spawn_file_actions_addclosefrom_np: the program has no descriptor from `first` to the last.
int clinux_spawn_without(posix_spawn_file_actions_t *actions, int first);

/// malloc_trim(3): memory that was freed goes back to the kernel, whole pages of it. The others' malloc(3) waits meanwhile.
static inline void clinux_give_back_memory(void) { malloc_trim(0); }

/// mallopt(3): threads share so many heaps, each of which keeps pages of its own. To be called before there are threads.
static inline void clinux_share_heaps(int heaps) { mallopt(M_ARENA_MAX, heaps); }
