# Ending everything, and leaving nothing but the logs.

stop_everything() {
    local host relay
    tell "Stopping"
    process_end maxwell-relay
    for relay in $(relays_leaving); do process_end "$relay"; done
    process_end maxwell-web
    process_end maxwelld
    for host in "${HOSTS[@]}"; do host_delete "$host"; done
    process_end slapd
    process_end mariadb 20
    cgroup_end ''
    marked_processes_end
    if [[ -d $DATA || -e $USERS_RECORD/used-by/$HASH ]]; then users_delete; fi
    rm -rf --one-file-system -- "$DATA" "$RUN" "$STATE/env"
    find "$STATE/record" -mindepth 1 -type f -delete
    tell "Everything has ended; the logs are in $LOG."
}
