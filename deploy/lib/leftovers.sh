# What a run may leave behind, looked for after it ended.

# Looks before the run: what is there then is no leftover of it.
leftovers_remember() {
    leftovers_found_folder=
    if [[ -d /var/lib/maxwell ]]; then leftovers_found_folder=yes; fi
    leftovers_names >"$LOG/names-before.txt"
}

# Everything on this machine that has a name such as ours: one a line, a word for what it is first. Podman's locks come
# with its first word since the machine began, and stay as its own.
leftovers_names() {
    {
        find /sys/fs/cgroup -type d -path '*/maxwell/display-*' -printf 'cgroup: %p\n' 2>/dev/null
        find /run/netns -mindepth 1 -printf 'network namespace: %p\n' 2>/dev/null
        ip -br link show 2>/dev/null | sed -nE 's/^(mw[0-9]+)[@ ].*/cable: \1/p'
        if command -v nft >/dev/null; then nft list tables 2>/dev/null | sed -n 's/^table \(.*maxwell.*\)/nft table: \1/p'; fi
        find /dev/shm -mindepth 1 ! -path /dev/shm/libpod_lock -printf 'shared memory: %p\n' 2>/dev/null
        awk 'NR > 1 && $7 == 0 {print "shared memory segment: " $2}' /proc/sysvipc/shm 2>/dev/null
        find /tmp -maxdepth 1 '(' -name 'mw*' -o -name '.maxwell-*' -o -name 'maxwell-*' ')' -printf 'temporary file: %p\n'
        awk '$8 ~ /maxwell|\/mwq-|\/tmp\/mw/ {print "socket: " $8}' /proc/net/unix
        awk '$5 ~ /maxwell|\/mwq-|\/tmp\/mw/ {print "mount: " $5}' /proc/self/mountinfo
    } | sort -u
}

# Everything that a running quick start and its hosts have with a name, one a line: where it is (here, exec1, exec2), what
# it is. What belongs to a display has its number as display-N or displays/N. Locks stay for good.
leftovers_running() {
    local host pid folder
    {
        # What is gone meanwhile is no failure.
        set +e
        # The picture links are their hosts', come and go with these, and are of no session.
        find "$RUN" -mindepth 1 ! -path "$RUN/c/links/*" -printf 'here: file %p\n' 2>/dev/null
        find "$DATA/homes/.shadow" -mindepth 1 -maxdepth 1 -printf 'here: home %p\n' 2>/dev/null
        find /tmp /dev/shm -mindepth 1 -maxdepth 1 '(' -user maxwell -o -user maxwell-relay -o -user maxwell-web \
            -o -uid +1999999 ')' -printf 'here: file %p\n' 2>/dev/null
        awk 'NR > 1 && $8 >= 2000000 {print "here: shared memory segment " $2}' /proc/sysvipc/shm 2>/dev/null
        ip -br link show 2>/dev/null | sed -nE "s/^(mwq$HASH-[^@ ]*).*/here: cable \1/p"
        find /run/netns -name "mwq-$HASH*" -printf 'here: network namespace %p\n' 2>/dev/null
        for host in "${HOSTS[@]}"; do
            pid=$(process_id "$host") || continue
            folder=$(host_folder "$host")/disk
            cgroup_roots | while read -r root; do
                find "$root/mwq-$HASH/$host" -mindepth 1 -type d -printf "$host: cgroup %P\n" 2>/dev/null
            done
            find "$folder/run/maxwell" "$folder/tmp" -mindepth 1 ! -path '*/locks/*' -printf "$host: file %p\n" 2>/dev/null
            # Those of displays have the same name in every container: their processes and folders tell of them.
            awk -v host="$host" 'NF > 7 && $8 !~ "^/run/maxwell/x/" {print host ": socket " $8}' "/proc/$pid/net/unix" \
                2>/dev/null
            awk -v host="$host" '{print host ": mount " $5}' "/proc/$pid/mountinfo" 2>/dev/null
            ip -n "$(host_namespace "$host")" -br link show 2>/dev/null | sed -E "s/^([^@ ]*).*/$host: cable \1/"
            ip netns exec "$(host_namespace "$host")" nft list tables 2>/dev/null | sed "s/^/$host: nft /"
        done
        true
    } | sort
}

# Whether somebody on this machine still uses the thing $1, named $2: then it is told as a process, or is not ours.
leftovers_used() {
    if [[ $1 == cgroup ]]; then
        [[ -n $(find "$2" -name cgroup.procs -exec cat {} + 2>/dev/null) ]]
    elif [[ $1 == 'network namespace' ]]; then
        [[ -n $(ip netns pids "${2##*/}" 2>/dev/null) ]]
    else
        grep -qsF -- "${2#@}" /proc/[0-9]*/cmdline
    fi
}

# Prints the names that were not there before the run and that nobody uses; what is just going is waited for.
leftovers_new_names() {
    local line until=$((SECONDS + 10)) left=yes
    while [[ -n $left ]]; do
        left=$(comm -13 "$LOG/names-before.txt" <(leftovers_names) | while IFS= read -r line; do
            leftovers_used "${line%%: *}" "${line#*: }" || printf '%s\n' "$line"
        done)
        if ((SECONDS >= until)); then break; fi
        if [[ -n $left ]]; then sleep 0.5; fi
    done
    if [[ -n $left ]]; then printf '%s\n' "$left"; fi
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
    leftovers_new_names
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
