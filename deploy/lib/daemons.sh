# Our own daemons.

DAEMONS=(maxwelld maxwell-web maxwell-relay)

daemons_running() {
    local daemon
    for daemon in "${DAEMONS[@]}"; do process_alive "$daemon" || return 1; done
}
infrastructure_running() {
    local part
    for part in mariadb slapd "${HOSTS[@]}"; do process_alive "$part" || return 1; done
}

# The gateway's own command.
maxwell_ask() { MAXWELL_SOCKET=$RUN/c/control.sock MAXWELL_CONFIG=$DATA/etc/maxwell.yaml "$DATA/bin/maxwell" "$@"; }

# A program of ours as the user $1, with nothing of our environment.
as_user() {
    local user=$1
    shift
    printf '%s\n' setpriv --reuid "$user" --regid "$user" --init-groups \
        env -i PATH="$DATA/bin:/usr/sbin:/usr/bin:/sbin:/bin" LANG=C.UTF-8 HOME=/nonexistent "$@"
}

daemons_ensure() {
    local host
    controller_start
    for host in "${HOSTS[@]}"; do
        [[ -e $(host_folder "$host")/added ]] || host_add "$host"
    done
    web_start
    relay_start
}

# Ends the daemon $1 if it runs, and starts it again.
daemon_restart() {
    if [[ $1 != mariadb ]]; then
        infrastructure_running || refuse "Nothing is running: deploy/quickstart starts it."
    fi
    process_end "$1"
    case $1 in
    mariadb) database_ensure ;;
    maxwelld) controller_start ;;
    maxwell-web) web_start ;;
    maxwell-relay) relay_start ;;
    esac
}

# Has the relay start its successor, the program as it is in $DATA/bin now, and hand it the port: views go on.
relay_upgrade() {
    local old new before
    infrastructure_running || refuse "Nothing is running: deploy/quickstart starts it."
    old=$(process_id maxwell-relay) || refuse "The relay does not run: deploy/quickstart --restart maxwell-relay starts it."
    before=$(relay_successor || true)
    tell "Handing the port over to a new relay"
    kill -USR2 "$old"
    for _ in {1..300}; do
        new=$(relay_successor || true)
        if [[ -n $new && $new != "$before" ]]; then
            mv -- "$STATE/record/process/maxwell-relay" "$STATE/record/process/maxwell-relay-$old"
            printf '%s %s\n' "$new" "$(process_start_time "$new")" >"$STATE/record/process/maxwell-relay"
            tell "The new relay is process $new; the old one, $old, serves its viewers until they leave."
            return
        fi
        sleep 0.1
    done
    fail "The relay handed nothing over." "$LOG/maxwell-relay.log"
}

# The last successor that took the port, as the relay's log tells.
relay_successor() {
    sed -n 's/.*"event":"handed over".*"successor":"\([0-9]*\)".*/\1/p' "$LOG/maxwell-relay.log" | tail -n 1 | grep .
}

# Those that handed over and still serve viewers.
relays_leaving() {
    local record
    for record in "$STATE"/record/process/maxwell-relay-*; do
        [[ -e $record ]] && basename -- "$record"
    done
}

controller_start() {
    local command
    process_alive maxwelld && return
    [[ -s $DATA/controller/ssh/id_ed25519 ]] || {
        ssh-keygen -q -t ed25519 -N '' -C maxwell -f "$DATA/controller/ssh/id_ed25519"
        chown maxwell:maxwell "$DATA/controller/ssh/id_ed25519" "$DATA/controller/ssh/id_ed25519.pub"
    }
    tell "Bringing the database up to date"
    mapfile -t command < <(as_user maxwell "$DATA/bin/maxwelld" --migrate --config "$DATA/etc/maxwell.yaml")
    (cd / && exec "${command[@]}") >>"$LOG/migrate.log" 2>&1 </dev/null ||
        fail "The database could not be brought up to date." "$LOG/migrate.log"
    tell "Starting maxwelld"
    mapfile -t command < <(as_user maxwell "$DATA/bin/maxwelld" --config "$DATA/etc/maxwell.yaml")
    spawn maxwelld "$LOG/maxwelld.log" "${command[@]}"
    wait_until 30 maxwelld "$LOG/maxwelld.log" maxwell_ask hosts
}

web_start() {
    local command
    process_alive maxwell-web && return
    tell "Starting maxwell-web"
    mapfile -t command < <(as_user maxwell-web "$DATA/bin/maxwell-web" --config "$DATA/etc/maxwell.yaml")
    # The folder gives the socket the relay's group; the group may connect.
    (umask 0007 && spawn maxwell-web "$LOG/maxwell-web.log" "${command[@]}")
    wait_until 30 maxwell-web "$LOG/maxwell-web.log" test -S "$RUN/w/web.sock"
}

relay_start() {
    process_alive maxwell-relay && return
    tell "Starting maxwell-relay on port $(recall port)"
    # As root: it takes the port and the keys, then becomes maxwell-relay.
    spawn maxwell-relay "$LOG/maxwell-relay.log" env -i PATH="$DATA/bin:/usr/sbin:/usr/bin:/sbin:/bin" LANG=C.UTF-8 \
        HOME=/nonexistent "$DATA/bin/maxwell-relay" --config "$DATA/etc/maxwell.yaml"
    wait_until 30 maxwell-relay "$LOG/maxwell-relay.log" relay_answers
}

# A TLS handshake with the relay, its certificate checked, and a page through it. Whoever calls may have every other
# signal blocked.
relay_answers() {
    local answer
    answer=$(printf 'GET /view/1 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n' |
        timeout -s KILL 5 openssl s_client -quiet -no_ign_eof -ign_eof -connect "127.0.0.1:$(recall port)" \
            -CAfile "$DATA/tls/authority.pem" -verify_return_error -verify_ip 127.0.0.1 2>/dev/null)
    [[ $answer == HTTP/1.1\ 200* ]]
}

# The relay on another port; the certificate stays, and viewers are told the new port from now on.
daemons_move_relay() {
    if [[ $1 == "$(recall port)" ]]; then
        tell "Everything is running already, with the relay on port $1."
        session_tell
        return
    fi
    if port_taken "$1"; then fail "Port $1 is in use: the relay stays on port $(recall port)."; fi
    tell "Moving the relay from port $(recall port) to $1"
    settings_write
    process_end maxwell-relay
    process_end maxwelld
    controller_start
    relay_start
    session_tell
}
