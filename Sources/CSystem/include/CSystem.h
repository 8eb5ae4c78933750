#pragma once
// What Swift cannot say: variadics, macros, unions. No decisions here.
#include <sys/types.h>

#include "epoll_system.h"

/// fork(2): only a single-threaded process calls it.
pid_t csystem_fork(void);
