# The gateway's certificates: an authority of our own, what it signs, and the self-signed pair of the clear CONNECT way.

tls_ensure() {
    local names
    [[ -s $DATA/tls/direct.pem ]] && return
    tell "Making certificates"
    # libldap puts the machine's name where "localhost" stood before it compares: the name is on every certificate.
    names="IP:127.0.0.1,IP:::1,DNS:localhost,DNS:$(hostname)"
    (
        umask 077
        cd -- "$DATA/tls"
        openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 825 -keyout authority.key \
            -out authority.pem -subj "/CN=Maxwell quick start authority" \
            -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign
        tls_signed relay "$names"
        tls_signed ldap "$names"
        openssl req -x509 -newkey rsa:2048 -nodes -days 825 -keyout direct.key -out direct.new \
            -subj "/CN=$(hostname)" -addext "subjectAltName=$names"
        chmod 0644 authority.pem relay.pem ldap.pem direct.new
        chown maxwell-relay relay.key direct.key
        chown openldap ldap.key
        mv direct.new direct.pem
    ) >"$LOG/tls.log" 2>&1 || fail "Making the certificates failed." "$LOG/tls.log"
}

# Another certificate in the relay's place, which it is to show by itself.
tls_renew() {
    local serial
    process_alive maxwell-relay || refuse "The relay does not run: deploy/quickstart --restart maxwell-relay starts it."
    tell "Giving the relay another certificate"
    (
        umask 077
        cd -- "$DATA/tls"
        tls_signed renewed "IP:127.0.0.1,IP:::1,DNS:localhost,DNS:$(hostname)"
        chown maxwell-relay renewed.key
        chmod 0644 renewed.pem
        mv renewed.key relay.key
        mv renewed.pem relay.pem
    ) >>"$LOG/tls.log" 2>&1 || fail "Making the certificate failed." "$LOG/tls.log"
    serial=$(openssl x509 -noout -serial -in "$DATA/tls/relay.pem")
    wait_until 30 maxwell-relay "$LOG/maxwell-relay.log" tls_shown "$serial"
    tell "The relay shows it."
}

# Whether the relay shows the certificate with the serial number $1.
tls_shown() {
    [[ $(timeout -s KILL 5 openssl s_client -connect "127.0.0.1:$(recall port)" </dev/null 2>/dev/null |
        openssl x509 -noout -serial 2>/dev/null) == "$1" ]]
}

# A pair $1.key, $1.pem for the names $2, signed by the authority.
tls_signed() {
    openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$1.key" -out "$1.csr" -subj "/CN=$(hostname)"
    openssl x509 -req -in "$1.csr" -CA authority.pem -CAkey authority.key -set_serial "0x$(openssl rand -hex 16)" \
        -days 398 -out "$1.pem" -extfile <(
            printf 'subjectAltName=%s\nbasicConstraints=CA:FALSE\nextendedKeyUsage=serverAuth\n' "$2"
        )
    rm -- "$1.csr"
}
