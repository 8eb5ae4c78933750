# Two execution hosts on one machine: a private sshd each, in its own network, mount, host name and cgroup namespace,
# behind a cable (veth) of its own. What a host keeps is on a small file system of its own (tmpfs, 512 MiB), so a full
# disk, a cut cable and a reboot can be shown.

HOSTS=(exec1 exec2)
HOST_DISK=512M

hosts_plain() { [[ $(recall isolation) == none ]]; }

# Whether this machine lets us make the namespaces and mounts an execution host is made of; what refused is in the log.
namespaces_usable() {
    local trial=mwq-trial-$$ usable=0
    if [[ ! -e $STATE/record/cgroups ]]; then
        echo "no cgroup can be made"
        return 1
    fi
    ip netns add "$trial" || return 1
    ip -n "$trial" link set lo up &&
        ip link add "mwqt$$" type veth peer name eth0 netns "$trial" &&
        nsenter --net="/run/netns/$trial" unshare --mount --uts --cgroup --propagation private \
            sh -c 'mount -t tmpfs none /mnt && hostname trial && exec bwrap --unshare-pid --unshare-net --unshare-ipc \
                --ro-bind / / --proc /proc --dev /dev true' || usable=1
    ip netns delete "$trial"
    return "$usable"
} >"$LOG/namespaces.log" 2>&1

hosts_ensure() {
    local host
    if ! hosts_plain && [[ -z $(recall network) ]]; then record network "$(network_free)"; fi
    [[ -s $DATA/admin/id_ed25519 ]] ||
        ssh-keygen -q -t ed25519 -N '' -C "quick start's administrator" -f "$DATA/admin/id_ed25519"
    for host in "${HOSTS[@]}"; do
        process_alive "$host" || host_start "$host"
    done
}

# Decides once how the hosts are made (people's homes in the directory depend on it).
hosts_choose() {
    [[ -z $(recall isolation) ]] || return 0
    if [[ -n $force_plain ]]; then
        record isolation none
        warn "As you asked, the execution hosts are plain: applications run without isolation."
    elif namespaces_usable; then
        record isolation container
    else
        record isolation none
        warn "This machine refuses network namespaces, mounts or cgroups: $(tail -n 1 "$LOG/namespaces.log")"
        if ! mountpoint -q /; then
            warn "/ is no mount point here, as in a chroot: bind the tree onto itself before you enter it."
        fi
        warn "The execution hosts are plain sshd's on loopback and applications run WITHOUT ISOLATION."
        warn "That is good enough to look around; let nobody else use it."
    fi
}

# A /24 of 10.230.0.0/16 that no route and no address of this machine touches, as its first three numbers.
network_free() {
    local third
    for third in {17..250}; do
        if [[ -z $(ip -4 route show root "10.230.$third.0/24") && -z $(ip -4 -o addr show to "10.230.$third.0/24") ]]; then
            printf '10.230.%s' "$third"
            return
        fi
    done
    fail "Every network from 10.230.17.0/24 to 10.230.250.0/24 is in use on this machine."
}

host_number() { case $1 in exec1) echo 1 ;; exec2) echo 2 ;; *) refuse "There is no host $1: say exec1 or exec2." ;; esac; }
host_namespace() { echo "mwq-$HASH-$1"; }
host_cable() { echo "mwq$HASH-$(host_number "$1")"; }
host_folder() { echo "$DATA/hosts/$1"; }
# Our end and the host's end of its cable, a /30.
host_our_address() { echo "$(recall network).$((4 * $(host_number "$1") + 1))"; }
host_address() { if hosts_plain; then echo 127.0.0.1; else echo "$(recall network).$((4 * $(host_number "$1") + 2))"; fi; }
host_port() { if hosts_plain; then recall "$1_port"; else echo 22; fi; }
host_run_folder() { if hosts_plain; then echo "$RUN/$1"; else echo /run/maxwell; fi; }

# The administrator's own ssh options for the host $1.
host_ssh_options() {
    printf '%s\n' -F none -i "$DATA/admin/id_ed25519" -o "UserKnownHostsFile=$DATA/admin/known_hosts" \
        -o StrictHostKeyChecking=yes -o BatchMode=yes -o ConnectTimeout=5
}
host_ssh() {
    local host=$1 options
    shift
    mapfile -t options < <(host_ssh_options "$host")
    ssh "${options[@]}" -p "$(host_port "$host")" "root@$(host_address "$host")" "$@"
}
host_answers() { host_ssh "$1" true </dev/null; }

host_start() {
    local host=$1 folder
    folder=$(host_folder "$host")
    tell "Starting execution host $host"
    install -d -m 0755 "$folder"
    [[ -s $folder/ssh_host_ed25519_key ]] ||
        ssh-keygen -q -t ed25519 -N '' -C "$host" -f "$folder/ssh_host_ed25519_key"
    if hosts_plain; then
        record "${host}_port" "$(free_port $((12200 + $(host_number "$host"))))"
        install -d -m 0755 "$RUN/$host" /run/sshd
    fi
    [[ -s $folder/authorized_keys ]] ||
        secret_file "$folder/authorized_keys" root <"$DATA/admin/id_ed25519.pub"
    chmod 0600 "$folder/authorized_keys"
    host_sshd_configuration "$host" >"$folder/sshd_config"
    host_known "$host"
    if hosts_plain; then
        SPAWN_CGROUP=$host spawn "$host" "$LOG/$host.log" /usr/sbin/sshd -D -e -f "$folder/sshd_config"
    else
        host_plug "$host"
        host_disk "$host"
        # The boot id belongs to this start of the host.
        cat /proc/sys/kernel/random/uuid >"$folder/boot_id"
        cgroup_make "$host"
        SPAWN_CGROUP=$host spawn "$host" "$LOG/$host.log" nsenter --net="/run/netns/$(host_namespace "$host")" \
            unshare --mount --uts --cgroup --propagation private \
            /bin/bash "$CHECKOUT/deploy/lib/host-machine" "$host" "$folder" "$DATA/homes" "mwq-$HASH/$host"
    fi
    wait_until 20 "$host" "$LOG/$host.log" host_answers "$host"
}

host_sshd_configuration() {
    local folder
    folder=$(host_folder "$1")
    cat <<CONF
ListenAddress $(host_address "$1"):$(host_port "$1")
HostKey $folder/ssh_host_ed25519_key
AuthorizedKeysFile $folder/authorized_keys
PidFile none
AllowUsers root
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM $(if hosts_plain; then echo yes; else echo no; fi)
StrictModes no
AllowStreamLocalForwarding local
UseDNS no
PrintMotd no
MaxSessions 1000
MaxStartups 200:30:500
Subsystem sftp internal-sftp
SetEnv MAXWELL_QUICKSTART=$HASH
CONF
}

# The administrator's ssh knows the host's key from its file: nobody is asked.
host_known() {
    local name
    name=$(host_address "$1")
    if [[ $(host_port "$1") != 22 ]]; then name="[$name]:$(host_port "$1")"; fi
    touch "$DATA/admin/known_hosts"
    ssh-keygen -R "$name" -f "$DATA/admin/known_hosts" >/dev/null 2>&1 || true
    printf '%s %s\n' "$name" "$(cut -d' ' -f1,2 "$(host_folder "$1")/ssh_host_ed25519_key.pub")" >>"$DATA/admin/known_hosts"
}

# The host's network namespace, with a cable to ours.
host_plug() {
    local namespace cable
    namespace=$(host_namespace "$1") cable=$(host_cable "$1")
    [[ ! -e /run/netns/$namespace ]] || return 0
    {
        ip netns add "$namespace"
        ip link add "$cable" type veth peer name eth0 netns "$namespace"
        ip address add "$(host_our_address "$1")/30" dev "$cable"
        ip link set "$cable" up
        ip -n "$namespace" address add "$(host_address "$1")/30" dev eth0
        ip -n "$namespace" link set eth0 up
        ip -n "$namespace" link set lo up
    } >>"$LOG/$1.log" 2>&1 || fail "The network of $1 could not be made." "$LOG/$1.log"
}

# The host's disk: what it keeps in /run, /tmp, /root, /var/lib/maxwell and /usr/local. /run and /tmp are empty after a boot.
host_disk() {
    local disk part
    disk=$(host_folder "$1")/disk
    install -d -m 0755 "$disk"
    mountpoint -q "$disk" || mount -t tmpfs -o "size=$HOST_DISK,mode=755" "mwq-$1" "$disk"
    rm -rf --one-file-system -- "$disk/run" "$disk/tmp"
    mkdir -p "$disk"/{run/sshd,tmp,maxwell,local,local-work}
    chmod 1777 "$disk/tmp"
    install -d -m 0700 "$disk/root"
    # A locked root (shadow(5)) is refused even with a key when sshd does without PAM.
    (umask 077 && echo 'root:*:19000:0:99999:7:::' >"$disk/shadow")
}

# Ends everything on the host $1. Its disk, its cable and its key stay.
host_end() {
    process_end "$1" 5
    cgroup_end "$1"
    marked_processes_end "$1"
}

# Where there are no cgroups: whatever carries our mark in its environment, and its children.
marked_processes_end() {
    local file pid
    [[ ! -e $STATE/record/cgroups ]] || return 0
    for file in /proc/[0-9]*/environ; do
        pid=${file#/proc/} pid=${pid%/environ}
        if tr '\0' '\n' 2>/dev/null <"$file" | grep -qx "MAXWELL_QUICKSTART=$HASH"; then
            pkill -KILL -P "$pid" 2>/dev/null || true
            kill -KILL "$pid" 2>/dev/null || true
        fi
    done
}

# Takes the host away: network, disk.
host_delete() {
    local namespace disk
    host_end "$1"
    namespace=$(host_namespace "$1") disk=$(host_folder "$1")/disk
    if [[ -e /run/netns/$namespace ]]; then ip netns delete "$namespace"; fi
    if ip link show "$(host_cable "$1")" >/dev/null 2>&1; then ip link delete "$(host_cable "$1")" 2>/dev/null || true; fi
    if mountpoint -q "$disk" 2>/dev/null; then umount "$disk" || umount -l "$disk"; fi
}

# What an operator meets sooner or later, to be tried here first.
host_word() {
    local host=$1 word=$2 namespace disk
    host_number "$host" >/dev/null
    if hosts_plain; then refuse "The execution hosts are plain here: they have no cable, disk or boot of their own."; fi
    process_alive "$host" || fail "$host does not run: start the gateway first." "$LOG/$host.log"
    namespace=$(host_namespace "$host") disk=$(host_folder "$host")/disk
    case $word in
    cut) ip -n "$namespace" link set eth0 down && tell "$host: the cable is cut." ;;
    mend) ip -n "$namespace" link set eth0 up && tell "$host: the cable is mended." ;;
    fill)
        dd if=/dev/zero of="$disk/fill" bs=1M 2>/dev/null || true
        tell "$host: the disk is full."
        ;;
    empty) rm -f -- "$disk/fill" && tell "$host: the disk has room again." ;;
    reboot)
        host_end "$host"
        host_start "$host"
        tell "$host: booted anew."
        ;;
    *) refuse "A host can be told cut, mend, fill, empty or reboot, not $word." ;;
    esac
}

# Makes the host known to the controller, as an administrator does it on a real one.
host_add() {
    local host=$1 options isolation=()
    mapfile -t options < <(host_ssh_options "$host")
    if hosts_plain; then isolation=(--isolation none); fi
    tell "Adding $host"
    maxwell_ask host add "$host" --address "$(host_address "$host")" --port "$(host_port "$host")" --max-uses 0 \
        "${isolation[@]}" --run "$(host_run_folder "$host")" --authorized-keys "$(host_folder "$host")/authorized_keys" \
        -- "${options[@]}" >"$LOG/$host-add.log" 2>&1 </dev/null ||
        fail "$host could not be added." "$LOG/$host-add.log"
    touch "$(host_folder "$host")/added"
}
