#define _GNU_SOURCE
#include "CLinux.h"
#include <unistd.h>

pid_t clinux_fork(void) { return fork(); }

int clinux_spawn_without(posix_spawn_file_actions_t *actions, int first) {
    return posix_spawn_file_actions_addclosefrom_np(actions, first);
}
