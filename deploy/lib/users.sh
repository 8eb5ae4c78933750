# The service users, and the folder that execution hosts mount over. Several quick starts may run on one machine: the last
# one deletes what a quick start made.

SERVICE_USERS=(maxwell maxwell-relay maxwell-web)
USERS_RECORD=/var/lib/maxwell-quickstart-users

users_ensure() {
    local user
    install -d -m 0755 "$USERS_RECORD" "$USERS_RECORD/made" "$USERS_RECORD/used-by"
    (
        flock 8
        : >"$USERS_RECORD/used-by/$HASH"
        for user in "${SERVICE_USERS[@]}"; do
            getent passwd "$user" >/dev/null && continue
            useradd --system --user-group --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin \
                --password '*' "$user"
            : >"$USERS_RECORD/made/$user"
        done
        if [[ ! -d /var/lib/maxwell ]]; then
            install -d -m 0755 /var/lib/maxwell
            : >"$USERS_RECORD/made-folder"
        fi
    ) 8>"$USERS_RECORD/lock"
}

users_delete() {
    local user
    [[ -d $USERS_RECORD ]] || return 0
    (
        flock 8
        rm -f -- "$USERS_RECORD/used-by/$HASH"
        [[ -z $(ls -A "$USERS_RECORD/used-by") ]] || exit 0
        for user in "${SERVICE_USERS[@]}"; do
            [[ -e $USERS_RECORD/made/$user ]] || continue
            userdel "$user" 2>>"$LOG/users.log" || warn "User $user could not be deleted: $(tail -n 1 "$LOG/users.log")"
            if getent group "$user" >/dev/null; then groupdel "$user" 2>>"$LOG/users.log" || true; fi
        done
        if [[ -e $USERS_RECORD/made-folder ]]; then rmdir /var/lib/maxwell 2>>"$LOG/users.log" || true; fi
        rm -rf -- "$USERS_RECORD"
    ) 8>"$USERS_RECORD/lock"
}
