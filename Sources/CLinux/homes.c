#define _GNU_SOURCE
#include "CLinux.h"
#include <linux/ioprio.h>
#include <linux/quota.h>
#include <sched.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

int clinux_quota_of(int descriptor, uint32_t uid, struct clinux_quota *quota) {
    struct if_dqblk block = {0};
    long result = syscall(SYS_quotactl_fd, descriptor, QCMD(Q_GETQUOTA, USRQUOTA), uid, &block);
    quota->space = block.dqb_curspace;
    quota->soft = block.dqb_bsoftlimit;
    quota->hard = block.dqb_bhardlimit;
    return (int)result;
}

int clinux_set_quota(int descriptor, uint32_t uid, const struct clinux_quota *quota) {
    struct if_dqblk block = {
        .dqb_bsoftlimit = quota->soft, .dqb_bhardlimit = quota->hard, .dqb_valid = QIF_BLIMITS};
    return (int)syscall(SYS_quotactl_fd, descriptor, QCMD(Q_SETQUOTA, USRQUOTA), uid, &block);
}

void clinux_be_idle(void) {
    struct sched_param none = {0};
    sched_setscheduler(0, SCHED_IDLE, &none);
    syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, IOPRIO_PRIO_VALUE(IOPRIO_CLASS_IDLE, 0));
}

int clinux_rename_to_new(int from_folder, const char *from, int to_folder, const char *to) {
    return renameat2(from_folder, from, to_folder, to, RENAME_NOREPLACE);
}

const char *clinux_entry_name(const struct dirent *entry) { return entry->d_name; }
