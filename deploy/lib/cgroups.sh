# A cgroup for everything we start, one below it for each execution host: what is inside is ours to end, and nothing
# leaves it. Version 2 where the machine has it, else the version 1 controllers that are mounted.

CGROUP_CONTROLLERS=(memory cpu pids cpuacct freezer)

# The hierarchies' folders, one a line; none where the machine has no cgroups we may write.
cgroup_roots() {
    local controller
    if [[ -e /sys/fs/cgroup/cgroup.controllers ]]; then
        echo /sys/fs/cgroup
        return
    fi
    for controller in "${CGROUP_CONTROLLERS[@]}"; do
        if [[ -e /sys/fs/cgroup/$controller/cgroup.procs ]]; then echo "/sys/fs/cgroup/$controller"; fi
    done
}

# Whether a cgroup can be made and joined.
cgroups_usable() {
    local root trial
    root=$(cgroup_roots)
    root=${root%%$'\n'*}
    [[ -n $root ]] || return 1
    trial=$root/mwq-trial-$$
    mkdir "$trial" 2>/dev/null || return 1
    (echo "$BASHPID" >"$trial/cgroup.procs") 2>/dev/null || { rmdir "$trial" && return 1; }
    until rmdir "$trial" 2>/dev/null; do sleep 0.02; done
}

cgroups_ensure() {
    if ! cgroups_usable; then
        forget cgroups
        warn "This machine lets us make no cgroups: what the gateway starts is known by process numbers only."
        return
    fi
    record cgroups yes
    local part
    for part in services exec1 exec2; do cgroup_make "$part"; done
}

# Makes the cgroup $1 in every hierarchy; in version 2 with its controllers passed on.
cgroup_make() {
    local root
    while read -r root; do
        mkdir -p "$root/mwq-$HASH/$1"
        if [[ -e $root/cgroup.controllers && $1 != services ]]; then
            for folder in "$root" "$root/mwq-$HASH" "$root/mwq-$HASH/$1"; do
                for controller in memory cpu pids; do
                    echo "+$controller" 2>/dev/null >"$folder/cgroup.subtree_control" || true
                done
            done
        fi
    done < <(cgroup_roots)
}

# Moves this very process into the cgroup $1.
cgroups_join() {
    local root
    [[ -e $STATE/record/cgroups ]] || return 0
    while read -r root; do
        echo "$BASHPID" >"$root/mwq-$HASH/$1/cgroup.procs" 2>/dev/null || true
    done < <(cgroup_roots)
}

# Every process at or below the cgroup $1.
cgroup_processes() {
    local root
    while read -r root; do
        [[ ! -d $root/mwq-$HASH/$1 ]] || find "$root/mwq-$HASH/$1" -name cgroup.procs -exec cat {} + 2>/dev/null || true
    done < <(cgroup_roots) | sort -un
}

# Ends every process at or below the cgroup $1 and deletes it.
cgroup_end() {
    local root pid left until=$((SECONDS + 15))
    while left=$(cgroup_processes "$1") && [[ -n $left ]]; do
        for pid in $left; do kill -KILL "$pid" 2>/dev/null || true; done
        ((SECONDS < until)) || { warn "These processes do not end: ${left//$'\n'/ } (see their State in /proc)." && break; }
        sleep 0.02
    done
    while read -r root; do
        [[ -d $root/mwq-$HASH/$1 ]] || continue
        # The last process is gone, but the kernel may still hold its group for a moment.
        until find "$root/mwq-$HASH/$1" -depth -type d -exec rmdir {} + 2>/dev/null || ((SECONDS >= until)); do sleep 0.02; done
    done < <(cgroup_roots)
}
