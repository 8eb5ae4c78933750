#define _GNU_SOURCE
#include "CLinux.h"
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

static int open_resolving(int folder, const char *path, int flags, uint64_t resolve) {
    struct open_how how = {.flags = (uint64_t)(unsigned int)(flags | O_CLOEXEC), .resolve = resolve};
    return (int)syscall(SYS_openat2, folder, path, &how, sizeof how);
}

int clinux_open_beneath(int folder, const char *path, int flags) {
    return open_resolving(folder, path, flags, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS);
}

int clinux_open_in_root(int folder, const char *path, int flags) {
    return open_resolving(folder, path, flags, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
}

int clinux_open_tree_at(int descriptor) {
    return (int)syscall(SYS_open_tree, descriptor, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
}

int clinux_open_trees(const char *path) {
    return (int)syscall(SYS_open_tree, AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
}

int clinux_mount_sealed(int descriptor) {
    struct mount_attr attributes = {
        .attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, .propagation = MS_PRIVATE};
    return (int)syscall(SYS_mount_setattr, descriptor, "", AT_EMPTY_PATH, &attributes, sizeof attributes);
}

int clinux_move_mount_onto(int tree, int descriptor) {
    return (int)syscall(
        SYS_move_mount, tree, "", descriptor, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
}

int clinux_unshare(int flags) { return unshare(flags); }

int clinux_pivot_here(void) { return (int)syscall(SYS_pivot_root, ".", "."); }

int clinux_drop_capabilities(void) {
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {0};
    return (int)syscall(SYS_capset, &header, none);
}

const int clinux_o_path = O_PATH, clinux_clone_newcgroup = CLONE_NEWCGROUP;
