# Where everything is, what is remembered between runs, and who may run now.

# Opens the state folder and takes its lock: one quick start at a time.
state_open() {
    STATE=${MAXWELL_STATE:-$CHECKOUT/.quickstart}
    case $action in
    start) mkdir -p -m 0755 -- "$STATE" ;;
    *) [[ -d $STATE ]] || { tell "Nothing is running: there is no $STATE." && [[ $action == stop ]] && exit 0 || exit 1; } ;;
    esac
    STATE=$(cd -- "$STATE" && pwd -P)
    mkdir -p -- "$STATE/record" "$STATE/record/process" "$STATE/log"
    exec {LOCK}>"$STATE/lock"
    flock -n "$LOCK" || fail "Another quick start is at work in $STATE: wait for it."

    # Service users cannot reach below a 0700 home, and a socket's path has 107 bytes (unix(7)): data and sockets live
    # elsewhere, under names made from the state folder's path.
    HASH=$(recall hash || printf '%s' "$STATE" | sha256sum | cut -c1-6)
    DATA=/var/lib/maxwell-quickstart-$HASH
    RUN=/run/mwq-$HASH
    LOG=$STATE/log
}

# Remembers value $2 under name $1 / tells it / forgets it.
record() { printf '%s\n' "$2" >"$STATE/record/$1.new" && mv -- "$STATE/record/$1.new" "$STATE/record/$1"; }
recall() { [[ -s $STATE/record/$1 ]] && cat -- "$STATE/record/$1"; }
forget() { rm -f -- "$STATE/record/$1"; }

folders_ensure() {
    record hash "$HASH"
    record data "$DATA"
    record run "$RUN"
    record checkout "$CHECKOUT"
    install -d -m 0755 "$DATA" "$RUN" "$DATA/bin" "$DATA/etc" "$DATA/tls" "$DATA/secrets" "$DATA/hosts"
    install -d -m 0700 "$DATA/admin"
    install -d -m 0711 "$DATA/homes"
    install -d -m 0700 -o maxwell -g maxwell "$DATA/controller" "$DATA/controller/ssh"
    # What the controller makes below, the relay's group can reach.
    install -d -m 2755 -o maxwell -g maxwell-relay "$RUN/c"
    install -d -m 2750 -o maxwell -g maxwell-relay "$RUN/c/links"
    install -d -m 2750 -o maxwell-web -g maxwell-relay "$RUN/w"
    install -d -m 0755 -o mysql -g mysql "$RUN/db"
}

# Until start_done, leaving for any reason (an error, Ctrl-C) takes back what was started; a second Ctrl-C waits for it.
start_guard() {
    trap 'trap "" INT TERM HUP; exit 130' INT
    trap 'trap "" INT TERM HUP; exit 143' TERM HUP
    trap '' PIPE
    if [[ -e $STATE/record/complete ]]; then
        trap 'status=$?; packages_restore_policy; exit $status' EXIT
    else
        trap 'status=$?; trap "" INT TERM HUP; start_undo; exit $status' EXIT
    fi
}

start_undo() {
    packages_restore_policy
    tell "Taking back what was started; the logs stay in $LOG."
    stop_everything
}

start_done() {
    record complete yes
    trap - EXIT INT TERM HUP
}

# A file that only $2 can read, with what standard input says, unless it is there already.
secret_file() {
    local file=$1 owner=$2
    # Whoever offers a new one is heard to its end.
    if [[ -s $file ]]; then cat >/dev/null; else
        (umask 077 && cat >"$file.new" && chown "$owner" "$file.new" && chmod 0400 "$file.new" && mv "$file.new" "$file")
    fi
}

random_password() { openssl rand -hex 8; }

# The first free TCP port of the loopback from $1 on.
free_port() {
    local port=$1
    while port_taken "$port"; do port=$((port + 1)); done
    printf '%s' "$port"
}
port_taken() { [[ -n $(ss -Hltn "sport = :$1") ]]; }
