# The session that the quick start ends with, and how to see it.

session_ensure() {
    local answer
    tell "Starting a session for alice"
    answer=$(maxwell_ask start user=alice ip=127.0.0.1 app=xterm version=1 2>&1 </dev/null) ||
        fail "The session did not start: $answer" "$LOG/maxwelld.log"
    [[ $answer =~ ^Session\ is\ ([0-9]+) ]] || fail "The answer to start was: $answer" "$LOG/maxwelld.log"
    record session "${BASH_REMATCH[1]}"
}

session_tell() {
    local number address
    number=$(recall session) || return 0
    if ! address=$(maxwell_ask ticket "$number" --for 60m 2>/dev/null </dev/null | grep -o 'https://[^ ]*'); then
        tell "Session $number has ended; start another: source $STATE/env; maxwell start user=alice app=xterm"
        return
    fi
    cat <<TEXT

Session $number of alice is running an xterm.

  In a browser (for the next hour; the authority to trust is $DATA/tls/authority.pem):
      $address
  In a native viewer (TigerVNC's, for instance; name alice+$number, her password below):
      vncviewer -X509CA=$DATA/tls/authority.pem localhost::$(recall port)
  The gateway's command, tests and tools:
      source $STATE/env; maxwell sessions; maxwell hosts; maxwell apps

  Demo passwords:  alice $(<"$DATA/secrets/alice")   bob $(<"$DATA/secrets/bob")

  deploy/quickstart --status tells how it does, --stop ends it. Logs: $LOG
TEXT
}
