# What comes from Debian.

# To build the programs.
PACKAGES_TO_BUILD=(
    binutils gcc libc6-dev libstdc++-12-dev zlib1g-dev pkg-config git ca-certificates
    libmariadb-dev libldap-dev libssl-dev
)
# To run the gateway and its applications.
PACKAGES_TO_RUN=(
    "${PACKAGES_TO_BUILD[@]}"
    mariadb-server mariadb-client slapd ldap-utils openssl
    openssh-server openssh-client iproute2 nftables util-linux procps
    tigervnc-standalone-server bubblewrap x11-utils xfonts-base novnc
    xterm x11-apps gnuplot-x11 socat
)
# To test it.
PACKAGES_TO_TEST=(
    "${PACKAGES_TO_RUN[@]}"
    chromium chromium-driver python3 python3-selenium python3-websockets curl xxd tinyproxy
    tigervnc-viewer tigervnc-common tigervnc-tools xvfb xauth xdotool x11-xserver-utils php-cli man-db
    podman bindfs
)
# What the relay is measured against.
# shellcheck disable=SC2034
PACKAGES_TO_BENCH_RELAY=(haproxy nginx-light libnginx-mod-stream hitch stunnel4 websockify openssl iproute2 util-linux procps)
# Packages that bring a service of the system's.
PACKAGES_WITH_SERVICE=(
    mariadb-server:mariadb slapd:slapd openssh-server:ssh tinyproxy:tinyproxy podman:podman.socket
    haproxy:haproxy nginx-light:nginx hitch:hitch stunnel4:stunnel4
)

package_missing() { [[ $(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null) != installed ]]; }

# Installs those of "$@" that are missing. A service that did not run does not run afterwards either.
packages_ensure() {
    local package missing=() idle=() pair
    for package; do
        if package_missing "$package"; then missing+=("$package"); fi
    done
    ((${#missing[@]})) || return 0
    tell "Installing with apt: ${missing[*]}"
    for pair in "${PACKAGES_WITH_SERVICE[@]}"; do
        if package_missing "${pair%%:*}"; then idle+=("${pair##*:}"); fi
    done
    packages_hold_services
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -q >"$LOG/apt.log" 2>&1 || fail "apt-get update failed: is this machine online?" "$LOG/apt.log"
    apt-get install -q -y --no-install-recommends "${missing[@]}" >>"$LOG/apt.log" 2>&1 </dev/null ||
        fail "apt-get could not install what is missing." "$LOG/apt.log"
    packages_restore_policy
    # The service was not there before: it shall not come at the next boot because we were here.
    if [[ -d /run/systemd/system ]] && ((${#idle[@]})); then
        systemctl disable -q --now "${idle[@]}" >>"$LOG/apt.log" 2>&1 || true
    fi
}

# Packages ask /usr/sbin/policy-rc.d whether they may start their services (invoke-rc.d(8)); 101 says no.
POLICY=/usr/sbin/policy-rc.d
packages_hold_services() {
    packages_restore_policy
    if [[ -e $POLICY || -L $POLICY ]]; then mv -- "$POLICY" "$POLICY.before-maxwell"; fi
    record policy ours
    printf '#!/bin/sh\nexit 101\n' >"$POLICY"
    chmod 0755 "$POLICY"
}
packages_restore_policy() {
    recall policy >/dev/null || return 0
    rm -f -- "$POLICY"
    if [[ -e $POLICY.before-maxwell || -L $POLICY.before-maxwell ]]; then mv -- "$POLICY.before-maxwell" "$POLICY"; fi
    forget policy
}
