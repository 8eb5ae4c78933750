#pragma once
// What Swift cannot say of directories, mounts and namespaces: macros and bare system calls. No decisions here.
#include <stdint.h>

/// openat2(2): `path` below `folder`, by no link, neither symbolic nor one of /proc; close-on-exec.
int clinux_open_beneath(int folder, const char *path, int flags);

/// openat2(2): `path` with `folder` as the root of every link on the way; close-on-exec.
int clinux_open_in_root(int folder, const char *path, int flags);

/// open_tree(2) with OPEN_TREE_CLONE of what `descriptor` is: a detached copy of that part of its mount.
int clinux_open_tree_at(int descriptor);

/// open_tree(2) with OPEN_TREE_CLONE and AT_RECURSIVE: a detached copy of `path` and the mounts below it.
int clinux_open_trees(const char *path);

/// mount_setattr(2): MOUNT_ATTR_RDONLY, MOUNT_ATTR_NOSUID and MOUNT_ATTR_NODEV on the mount at `descriptor`, and MS_PRIVATE.
int clinux_mount_sealed(int descriptor);

/// move_mount(2): a detached mount onto what `descriptor` is.
int clinux_move_mount_onto(int tree, int descriptor);

/// unshare(2).
int clinux_unshare(int flags);

/// pivot_root(2) of the working directory, which then covers the old root.
int clinux_pivot_here(void);

/// capset(2): no capability in any of the calling thread's three sets.
int clinux_drop_capabilities(void);

extern const int clinux_o_path, clinux_clone_newcgroup;
