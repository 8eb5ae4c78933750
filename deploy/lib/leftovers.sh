# What a run may leave behind, looked for after it ended.

# Looks before the run: what is there then is no leftover of it.
leftovers_remember() {
    leftovers_found_folder=
    if [[ -d /var/lib/maxwell ]]; then leftovers_found_folder=yes; fi
}

# Prints whatever is left of the run whose processes carry MAXWELL_TEST_RUN=$1 and of its quick start with the hash $2.
leftovers() {
    local mark=$1 hash=$2 file pid user
    for file in /proc/[0-9]*/environ; do
        pid=${file#/proc/} pid=${pid%/environ}
        # The run itself and what it just called.
        if [[ $pid == "$$" ]] || leftovers_ours "$pid"; then continue; fi
        if tr '\0' '\n' 2>/dev/null <"$file" | grep -qx "MAXWELL_TEST_RUN=$mark"; then
            echo "process $pid: $(tr '\0' ' ' 2>/dev/null <"/proc/$pid/cmdline")"
        fi
    done
    [[ -n $hash ]] || return 0
    grep -l "mwq-$hash\|maxwell-quickstart-$hash" /proc/[0-9]*/cmdline 2>/dev/null | while read -r file; do
        pid=${file#/proc/} pid=${pid%/cmdline}
        if [[ $pid != "$$" ]] && ! leftovers_ours "$pid"; then echo "process $pid: $(tr '\0' ' ' 2>/dev/null <"$file")"; fi
    done
    grep "mwq\|maxwell-quickstart-$hash" /proc/mounts | grep "$hash" | sed 's/^/mount: /' || true
    find /sys/fs/cgroup -type d -name "mwq-$hash" 2>/dev/null | sed 's/^/cgroup: /'
    find /run/netns -name "mwq-$hash*" 2>/dev/null | sed 's/^/network namespace: /'
    ip -br link show 2>/dev/null | grep "^mwq$hash" | sed 's/^/cable: /' || true
    find "/var/lib/maxwell-quickstart-$hash" "/run/mwq-$hash" -maxdepth 0 2>/dev/null | sed 's/^/folder: /'
    if [[ ! -e /var/lib/maxwell-quickstart-users ]]; then
        [[ -n $leftovers_found_folder || ! -d /var/lib/maxwell || -n $(ls -A /var/lib/maxwell) ]] ||
            echo "folder: /var/lib/maxwell"
        return 0
    fi
    if [[ -e /var/lib/maxwell-quickstart-users/used-by/$hash ]]; then echo "users: still in use by this quick start"; fi
}

# Whether process $1 is a child of this very shell.
leftovers_ours() {
    local parent=$1
    while [[ -n $parent && $parent != 0 && $parent != 1 ]]; do
        [[ $parent != "$$" ]] || return 0
        parent=$(awk '/^PPid:/ {print $2}' "/proc/$parent/status" 2>/dev/null) || return 0
    done
    return 1
}
