#pragma once
// Quotas, priorities and renaming: what glibc has no function for, or shows only with _GNU_SOURCE. No decisions here.
#include <dirent.h>
#include <stdint.h>

/// What a file system counts of one uid and lets it have (quotactl(2), struct if_dqblk).
struct clinux_quota {
    /// Bytes used.
    uint64_t space;
    /// Blocks of 1024 bytes; 0: none.
    uint64_t soft, hard;
};

/// quotactl_fd(2) with Q_GETQUOTA for USRQUOTA: what the file system of `descriptor` says of `uid`; 0, or -1 and errno.
int clinux_quota_of(int descriptor, uint32_t uid, struct clinux_quota *quota);

/// quotactl_fd(2) with Q_SETQUOTA for USRQUOTA: the limits of `quota`, nothing else; 0, or -1 and errno.
int clinux_set_quota(int descriptor, uint32_t uid, const struct clinux_quota *quota);

/// sched_setscheduler(2) SCHED_IDLE and ioprio_set(2) IOPRIO_CLASS_IDLE for the calling process.
void clinux_be_idle(void);

/// renameat2(2) with RENAME_NOREPLACE; 0, or -1 and errno.
int clinux_rename_to_new(int from_folder, const char *from, int to_folder, const char *to);

/// The name in an entry of readdir(3).
const char *clinux_entry_name(const struct dirent *entry);
