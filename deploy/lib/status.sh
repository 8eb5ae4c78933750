# How each part does.

status_show() {
    local part good=0 pid
    for part in mariadb slapd "${HOSTS[@]}" "${DAEMONS[@]}"; do
        if ! pid=$(process_id "$part"); then
            printf '%-15s does not run\n' "$part"
            good=1
        elif status_answers "$part" >/dev/null 2>&1; then
            printf '%-15s answers       (process %s)\n' "$part" "$pid"
        else
            printf '%-15s is silent     (process %s, log %s)\n' "$part" "$pid" "$LOG/$part.log"
            good=1
        fi
    done
    if part=$(recall port); then printf '%-15s %s\n' port "$part"; fi
    if hosts_plain; then printf '%-15s %s\n' isolation "none: applications run as on the machine itself"; fi
    if process_alive maxwelld; then
        echo
        maxwell_ask hosts || good=1
        maxwell_ask sessions || good=1
    fi
    return "$good"
}

status_answers() {
    case $1 in
    mariadb) database_alive ;;
    slapd) directory_alive ;;
    exec1 | exec2) host_answers "$1" ;;
    maxwelld) maxwell_ask hosts ;;
    maxwell-web) test -S "$RUN/w/web.sock" ;;
    maxwell-relay) relay_answers ;;
    esac
}
