# Starting a process that outlives us, knowing it again, ending it.

# Starts "$3…" as process $1 with log $2 in the cgroup $SPAWN_CGROUP (services): own session, no descriptor of ours,
# default signals (a shell without job control has its background processes ignore SIGINT).
spawn() {
    local name=$1 log=$2 pid
    shift 2
    (
        for descriptor in /proc/"$BASHPID"/fd/*; do
            descriptor=${descriptor##*/}
            ((descriptor <= 2 || descriptor == 255)) || eval "exec $descriptor>&-"
        done
        cgroups_join "${SPAWN_CGROUP:-services}"
        cd /
        exec env --default-signal setsid "$@" </dev/null >>"$log" 2>&1
    ) &
    pid=$!
    printf '%s %s\n' "$pid" "$(process_start_time "$pid")" >"$STATE/record/process/$name"
    disown "$pid" 2>/dev/null || true
}

# When process $1 began, in clock ticks since boot (proc(5), field 22): a reused number is not mistaken.
process_start_time() {
    local stat
    stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
    stat=${stat##*) }
    set -- $stat
    # A zombie has ended: its parent has only not looked yet.
    [[ $1 != [ZX] ]] || return 1
    printf '%s' "${20}"
}

# The process id of recorded process $1, if that very process lives.
process_id() {
    local pid began
    read -r pid began 2>/dev/null <"$STATE/record/process/$1" || return 1
    [[ -n $began && $(process_start_time "$pid") == "$began" ]] || return 1
    printf '%s' "$pid"
}
process_alive() { process_id "$1" >/dev/null 2>&1; }

# Ends recorded process $1: SIGTERM, and SIGKILL after $2 seconds (10).
process_end() {
    local name=$1 patience=${2:-10} pid until
    if pid=$(process_id "$name"); then
        kill -TERM "$pid" 2>/dev/null || true
        until=$((SECONDS + patience))
        while process_alive "$name"; do
            if ((SECONDS >= until)); then
                kill -KILL "$pid" 2>/dev/null || true
                until=$((SECONDS + patience))
            fi
            sleep 0.02
        done
    fi
    rm -f -- "$STATE/record/process/$name"
}
