# A MariaDB of our own: a Unix socket only, root by who asks.

database_alive() { mariadb-admin --no-defaults --socket="$RUN/db/s.sock" --user=root ping; }
database_ask() { mariadb --no-defaults --socket="$RUN/db/s.sock" --user=root "$@"; }

database_ensure() {
    local password
    process_alive mariadb && return
    tell "Starting MariaDB"
    if [[ ! -e $DATA/mariadb/complete ]]; then
        rm -rf -- "$DATA/mariadb"
        install -d -m 0700 -o mysql -g mysql "$DATA/mariadb"
        # --force: a machine that cannot look up its own name is no obstacle, nothing here goes by name.
        mariadb-install-db --no-defaults --force --user=mysql --datadir="$DATA/mariadb" \
            --auth-root-authentication-method=socket --auth-root-socket-user=root --skip-test-db \
            >"$LOG/mariadb-install.log" 2>&1 || fail "The database could not be made." "$LOG/mariadb-install.log"
    fi
    spawn mariadb "$LOG/mariadb.log" /usr/sbin/mariadbd --no-defaults --user=mysql --datadir="$DATA/mariadb" \
        --socket="$RUN/db/s.sock" --pid-file="$RUN/db/pid" --skip-networking --skip-log-bin --skip-name-resolve \
        --innodb-buffer-pool-size=32M --innodb-log-file-size=16M --performance-schema=0
    wait_until 60 mariadb "$LOG/mariadb.log" database_alive
    random_password | secret_file "$DATA/secrets/database" maxwell
    password=$(<"$DATA/secrets/database")
    database_ask <<SQL 2>>"$LOG/mariadb.log" || fail "The database's user could not be made." "$LOG/mariadb.log"
CREATE DATABASE IF NOT EXISTS maxwell CHARACTER SET utf8mb4;
CREATE USER IF NOT EXISTS maxwell@localhost;
ALTER USER maxwell@localhost IDENTIFIED BY '$password';
GRANT ALL ON maxwell.* TO maxwell@localhost;
SQL
    touch "$DATA/mariadb/complete"
}
