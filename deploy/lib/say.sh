# What the quick start says, and how it gives up.

# A step's line, with the seconds since the start. Nobody may be reading any more: the work goes on.
tell() { printf '%4ds  %s\n' "$SECONDS" "$*" 2>/dev/null || true; }

# Something the reader should not miss.
warn() { printf '%4ds  NOTE: %s\n' "$SECONDS" "$*" 2>/dev/null || true; }

# A wrong command line: sysexits(3) EX_USAGE.
refuse() {
    printf 'quickstart: %s\n' "$*" >&2
    exit 64
}

# Gives up: one sentence, and the tail of the log that knows why (its file as second argument).
fail() {
    printf 'quickstart: %s\n' "$1" >&2
    if [[ -n ${2-} && -s $2 ]]; then
        printf -- '--- the last lines of %s\n' "$2" >&2
        tail -n 25 -- "$2" >&2
        printf -- '---\n' >&2
    fi
    exit 70
}

# Asks "$@" again and again until it says yes; gives up after $1 seconds, with the tail of log $3 if process $2 (a
# recorded name, or -) died.
wait_until() {
    local patience=$1 process=$2 log=$3 until
    shift 3
    until=$((SECONDS + patience))
    while ! "$@" >/dev/null 2>&1; do
        if [[ $process != - ]] && ! process_alive "$process"; then
            fail "$process ended while it was starting." "$log"
        fi
        ((SECONDS < until)) || fail "${process/#-/a part} did not answer within $patience seconds." "$log"
        sleep 0.05
    done
}
