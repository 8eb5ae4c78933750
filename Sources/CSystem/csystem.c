#define _GNU_SOURCE
#include "CSystem.h"
#include <unistd.h>

pid_t csystem_fork(void) { return fork(); }
