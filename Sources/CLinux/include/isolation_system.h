#pragma once
// What Swift cannot say: variadics, macros, unions. No decisions here.
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/un.h>

/// prctl(2).
int clinux_prctl(int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d);

/// setns(2).
int clinux_setns(int fd, int type);

/// mount_setattr(2): MOUNT_ATTR_NOSUID and MOUNT_ATTR_NODEV on a detached mount, and MS_PRIVATE: what is mounted on it later
/// is mounted nowhere else.
int clinux_mount_harmless(int tree);

/// move_mount(2): a detached mount onto `path`.
int clinux_move_mount(int tree, const char *path);

/// close_range(2) from `first` to the last descriptor.
int clinux_close_from(unsigned int first);

/// signalfd(2) for SIGCHLD alone, which it blocks in this thread; non-blocking, close-on-exec.
int clinux_child_signals(void);

/// sigprocmask(2): nothing blocked.
int clinux_unblock_signals(void);

/// signal(2) with SIG_DFL.
void clinux_default_signal(int number);

/// signal(2) with SIG_IGN.
void clinux_ignore_signal(int number);

/// setgroups, setresgid, setresuid by system call.
int clinux_setgroups(const gid_t *groups, size_t count);
int clinux_setresgid(gid_t gid);
int clinux_setresuid(uid_t uid);

/// splice(2), non-blocking and moving, between a pipe and a socket.
ssize_t clinux_splice(int from, int to, size_t count);

/// pipe2(2), non-blocking and close-on-exec.
int clinux_pipe(int fds[2]);

/// One datagram and one descriptor to an address (SCM_RIGHTS); -1 and errno.
ssize_t clinux_send_descriptor(
    int socket, const struct sockaddr *to, socklen_t to_length, const void *bytes, size_t count, int descriptor);

/// One datagram and the descriptor that came with it, -1 in `descriptor` without one.
ssize_t clinux_receive_descriptor(int socket, void *bytes, size_t capacity, int *descriptor);

/// seccomp(2), SECCOMP_SET_MODE_FILTER, with `count` instructions of 8 bytes each (struct sock_filter).
int clinux_seccomp(const uint64_t *program, unsigned short count);

/// pidfd_open(2): readable when the process has ended.
int clinux_process_descriptor(pid_t pid);

/// CPU seconds of all children waited for (getrusage(2)).
double clinux_children_cpu(void);

/// Bytes available and total of the file system at `path`.
int clinux_disk(const char *path, uint64_t *available, uint64_t *total);

extern const int clinux_clone_newns, clinux_clone_newipc, clinux_clone_newuts, clinux_clone_newnet,
    clinux_clone_newpid;
extern const int clinux_pr_set_name, clinux_pr_set_pdeathsig, clinux_pr_set_child_subreaper, clinux_pr_set_no_new_privs,
    clinux_pr_capbset_drop;

/// execvpe(3); returns only when it failed, with errno.
void clinux_execvpe(const char *file, char *const *arguments, char *const *environment);
