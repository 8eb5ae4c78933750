#define _GNU_SOURCE
#include "CLinux.h"
#include <fcntl.h>
#include <grp.h>
#include <linux/filter.h>
#include <linux/mount.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>


int clinux_prctl(int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d) {
    return prctl(option, a, b, c, d);
}

int clinux_setns(int fd, int type) { return setns(fd, type); }

int clinux_mount_harmless(int tree) {
    struct mount_attr attributes = {.attr_set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, .propagation = MS_PRIVATE};
    return (int)syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH, &attributes, sizeof attributes);
}

int clinux_move_mount(int tree, const char *path) {
    return (int)syscall(SYS_move_mount, tree, "", AT_FDCWD, path, MOVE_MOUNT_F_EMPTY_PATH);
}

int clinux_close_from(unsigned int first) { return (int)syscall(SYS_close_range, first, ~0U, 0); }

int clinux_child_signals(void) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigprocmask(SIG_BLOCK, &set, NULL);
    return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

int clinux_unblock_signals(void) {
    sigset_t set;
    sigemptyset(&set);
    return sigprocmask(SIG_SETMASK, &set, NULL);
}

void clinux_default_signal(int number) { signal(number, SIG_DFL); }

void clinux_ignore_signal(int number) { signal(number, SIG_IGN); }

int clinux_setgroups(const gid_t *groups, size_t count) { return setgroups(count, groups); }

int clinux_setresgid(gid_t gid) { return setresgid(gid, gid, gid); }

int clinux_setresuid(uid_t uid) { return setresuid(uid, uid, uid); }

ssize_t clinux_splice(int from, int to, size_t count) {
    return splice(from, NULL, to, NULL, count, SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
}

int clinux_pipe(int fds[2]) { return pipe2(fds, O_NONBLOCK | O_CLOEXEC); }

ssize_t clinux_send_descriptor(
    int socket, const struct sockaddr *to, socklen_t to_length, const void *bytes, size_t count, int descriptor) {
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(int))];
    } control = {0};
    struct iovec part = {.iov_base = (void *)bytes, .iov_len = count};
    struct msghdr message = {
        .msg_name = (void *)to, .msg_namelen = to_length, .msg_iov = &part, .msg_iovlen = 1,
        .msg_control = control.space, .msg_controllen = sizeof control.space};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(header), &descriptor, sizeof descriptor);
    return sendmsg(socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
}

ssize_t clinux_receive_descriptor(int socket, void *bytes, size_t capacity, int *descriptor) {
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(int))];
    } control = {0};
    struct iovec part = {.iov_base = bytes, .iov_len = capacity};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.space, .msg_controllen = sizeof control.space};
    ssize_t count = recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    *descriptor = -1;
    for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); count >= 0 && header != NULL;
         header = CMSG_NXTHDR(&message, header))
        if (header->cmsg_type == SCM_RIGHTS) memcpy(descriptor, CMSG_DATA(header), sizeof *descriptor);
    return count;
}

int clinux_seccomp(const uint64_t *program, unsigned short count) {
    struct sock_fprog filter = {.len = count, .filter = (struct sock_filter *)program};
    return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter);
}

int clinux_process_descriptor(pid_t pid) { return (int)syscall(SYS_pidfd_open, pid, 0); }

double clinux_children_cpu(void) {
    struct rusage usage = {0};
    getrusage(RUSAGE_CHILDREN, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
        + (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

int clinux_disk(const char *path, uint64_t *available, uint64_t *total) {
    struct statvfs found = {0};
    int result = statvfs(path, &found);
    *available = (uint64_t)found.f_bavail * found.f_frsize;
    *total = (uint64_t)found.f_blocks * found.f_frsize;
    return result;
}

const int clinux_clone_newns = CLONE_NEWNS, clinux_clone_newipc = CLONE_NEWIPC, clinux_clone_newuts = CLONE_NEWUTS,
          clinux_clone_newnet = CLONE_NEWNET, clinux_clone_newpid = CLONE_NEWPID;
const int clinux_pr_set_name = PR_SET_NAME, clinux_pr_set_pdeathsig = PR_SET_PDEATHSIG, clinux_pr_set_child_subreaper = PR_SET_CHILD_SUBREAPER,
          clinux_pr_set_no_new_privs = PR_SET_NO_NEW_PRIVS, clinux_pr_capbset_drop = PR_CAPBSET_DROP;

void clinux_execvpe(const char *file, char *const *arguments, char *const *environment) {
    execvpe(file, arguments, environment);
}
