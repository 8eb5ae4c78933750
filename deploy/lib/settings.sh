# The gateway's settings file, and the file a shell sources to talk to it.

settings_write() {
    local port browser_port any='[::]' browser_listen=
    port=$(port_choose)
    record port "$port"
    browser_port=$(browser_port_choose "$port")
    record browser_port "$browser_port"
    if ! process_alive maxwell-web; then record quota_port "$(free_port 13000)"; fi
    if [[ ! -e /proc/net/if_inet6 ]]; then any=0.0.0.0; fi
    if [[ $browser_port != "$port" ]]; then browser_listen="\"$any:$browser_port\""; fi
    settings_text "$port" "$any:$port" "$browser_port" "$browser_listen" >"$DATA/etc/maxwell.yaml.new"
    mv -- "$DATA/etc/maxwell.yaml.new" "$DATA/etc/maxwell.yaml"
    install -d -m 0755 "$DATA/etc/apps.d"
    if compgen -G "$CHECKOUT/etc/apps.d/*.yaml" >/dev/null; then
        install -m 0644 -- "$CHECKOUT"/etc/apps.d/*.yaml "$DATA/etc/apps.d/"
    fi
    env_write "$port"
}

# The port that was asked for, the one we have, 563 when it is free, else the next that is free above 10563.
port_choose() {
    if [[ -n $wanted_port ]]; then
        if ! process_alive maxwell-relay && port_taken "$wanted_port"; then
            fail "Port $wanted_port is in use: choose another with --port."
        fi
        echo "$wanted_port"
    elif recall port; then
        :
    elif ! port_taken 563; then
        echo 563
    else
        warn "Port 563 is in use on this machine: taking another (--port N chooses)." >&2
        free_port 10563
    fi
}

# Browsers refuse port 563 (Fetch Standard, "port blocking"): they get another beside it. A port that was chosen serves both.
browser_port_choose() {
    if [[ $1 != 563 ]]; then
        echo "$1"
    elif [[ $(recall browser_port || true) =~ ^[0-9]+$ && $(recall browser_port) != 563 ]] && process_alive maxwell-relay; then
        recall browser_port
    else
        free_port 8443
    fi
}

settings_text() {
    cat <<YAML
# Written by deploy/quickstart at every start.
gateway:
  name: quickstart
  url: https://localhost:$3
  host: localhost
  port: $1
  browser_port: $3
controller:
  socket: $RUN/c/control.sock
  state: $DATA/controller
  run: $RUN/c
  user: maxwell
  portal_users: [www-data]
database:
  socket: $RUN/db/s.sock
  name: maxwell
  user: maxwell
  password_file: $DATA/secrets/database
ldap:
  uris: ["ldaps://127.0.0.1:$(recall ldaps_port)"]
  ca_file: $DATA/tls/authority.pem
  start_tls: false
  bind_dn: "cn=maxwell,$DIRECTORY_BASE"
  bind_password_file: $DATA/secrets/ldap
  people_base: "ou=people,$DIRECTORY_BASE"
  group_base: "ou=groups,$DIRECTORY_BASE"
hosts:
  ssh_key: $DATA/controller/ssh/id_ed25519
uids:
  displays: {first: 2000000, count: 65536}
  shadow: {first: 2100000, count: 1000}
relay:
  listen: "$2"
  browser_listen: $4
  user: maxwell-relay
  certificate: $DATA/tls/relay.pem
  key: $DATA/tls/relay.key
  direct_certificate: $DATA/tls/direct.pem
  direct_key: $DATA/tls/direct.key
web:
  socket: $RUN/w/web.sock
  user: maxwell-web
  novnc: /usr/share/novnc
  quota_listen: "127.0.0.1:$(recall quota_port)"
homes:
  root: $(homes_as_hosts_see_them)
  measure_every: 10m
  hard_limit: 0
  purge: false
applications:
  folder: $DATA/etc/apps.d
YAML
}

# Root's alone: it names the demo passwords.
env_write() {
    (
        umask 077
        {
            echo "# Written by deploy/quickstart: source it to talk to the gateway it started."
            printf 'export PATH=%q:"$PATH"\n' "$DATA/bin"
            printf 'export %s=%q\n' \
                MAXWELL_STATE "$STATE" \
                MAXWELL_CONFIG "$DATA/etc/maxwell.yaml" \
                MAXWELL_SOCKET "$RUN/c/control.sock" \
                MAXWELL_PORT "$1" \
                MAXWELL_QUOTA "127.0.0.1:$(recall quota_port)" \
                MAXWELL_CA "$DATA/tls/authority.pem" \
                MAXWELL_SQL "mariadb --no-defaults --socket=$RUN/db/s.sock --user=root maxwell" \
                MAXWELL_ALICE_PASSWORD "$(<"$DATA/secrets/alice")" \
                MAXWELL_BOB_PASSWORD "$(<"$DATA/secrets/bob")" \
                MAXWELL_ALICE_HOME "$DATA/homes/alice"
        } >"$STATE/env.new"
        mv -- "$STATE/env.new" "$STATE/env"
    )
}
