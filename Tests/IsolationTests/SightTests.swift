import Foundation
import Glibc
import HostProtocol
import SessionModel
import TestServers
import Testing

@testable import Isolation

@Suite("what a session sees", .serialized)
struct SightTests {
    @Test("/proc tells of its own processes, and of the host only what programs size themselves by")
    func processes() throws {
        let look = """
            import os
            for name in sorted(os.listdir('/proc')):
                path = '/proc/' + name
                if name.isdigit() or os.path.islink(path): continue
                try: told = len(os.listdir(path)) if os.path.isdir(path) else len(open(path, 'rb').read(1))
                except OSError: told = 0
                if told: print(name)
            """
        try withDisplay(3201) { agent, number in
            let said = try agent.said(try agent.python(look), on: number)
            #expect(
                said.split(separator: "\n") == [
                    "cpuinfo", "filesystems", "loadavg", "meminfo", "stat", "sys", "sysvipc", "uptime", "version",
                ])
        }
    }

    @Test("the host's load and other groups of processes are hidden, and the usual programs work all the same")
    func load() throws {
        try withDisplay(3202) { agent, number in
            let said = try agent.said(
                "cat /proc/loadavg; head -1 /proc/stat; cat /proc/self/cgroup /proc/1/cgroup; ls /sys; "
                    + "for p in 'ps aux' 'top -bn1' free uptime nproc; do $p >/dev/null 2>&1 && echo $p works; done",
                on: number)
            #expect(said.hasPrefix("0.00 0.00 0.00 1/1 1\ncpu 0 0 0 0 0 0 0 0 0 0\n"), "\(said)")
            #expect(!said.contains("maxwell") && !said.contains("display-") && !said.contains("slice"), "\(said)")
            #expect(said.contains("cannot access '/sys'"))
            for program in ["ps aux", "top -bn1", "free", "uptime", "nproc"] {
                #expect(said.contains("\(program) works"))
            }
        }
    }

    @Test("its /etc, its name and its machine id are its own, and no other user is named")
    func identity() throws {
        try withDisplay(3203) { agent, number in
            let said = try agent.said(
                "hostname; cat /etc/hostname /etc/machine-id; echo; cat /etc/hosts; echo; cat /etc/passwd; echo; "
                    + "cat /etc/group; echo; cat /etc/nsswitch.conf; echo; wc -c < /etc/resolv.conf; ls -A /etc; echo; "
                    + "getent passwd | wc -l; ls $(dirname $HOME); ls -A /home; date +%Z",
                on: number)
            let parts = said.components(separatedBy: "\n\n")
            try #require(parts.count == 7, "\(said)")
            let names = parts[0].split(separator: "\n")
            let machine = try #require(names.last)
            #expect(names == ["session-7", "session-7", machine] && machine.utf8.count == 32)
            #expect(machine + "\n" != text(of: "/etc/machine-id") ?? "")
            #expect(parts[1] == "127.0.0.1 localhost session-7\n::1 localhost")
            let users = parts[2].split(separator: "\n").map { $0.prefix { $0 != ":" } }
            #expect(users == ["root", "display", "alice"])
            let groups = parts[3].split(separator: "\n").map { $0.prefix { $0 != ":" } }
            #expect(groups == ["root", "display", "alice", "science"])
            #expect(parts[4] == "passwd: files\ngroup: files\nhosts: files")
            let settings = parts[5].split(separator: "\n")
            #expect(settings.first == "0")
            let known = Self.ofHost.map { $0.prefix { $0 != "/" } } + Self.own
            #expect(Set(settings.dropFirst()).subtracting(known) == [])
            #expect(Set(settings).isSuperset(of: Self.own))
            let rest = parts[6].split(separator: "\n")
            #expect(rest == ["3", "alice", rest.last])
            let other = try DisplayNumber(3204)
            #expect(try agent.make(other) == .displayReady)
            #expect(try agent.said("cat /etc/machine-id", on: other, session: 9) != machine + "\n")
            _ = try agent.end(other)
        }
    }

    /// What of the host's /etc a container has.
    private static let ofHost = [
        "X11", "R", "alternatives", "bash.bashrc", "ca-certificates.conf", "chromium", "chromium.d", "dconf",
        "environ.d", "environ.sh", "fonts", "gnuplot", "gtk-2.0", "gtk-3.0", "java-17-openjdk", "ld.so.cache",
        "ld.so.conf", "ld.so.conf.d", "localtime", "magic", "mime.types", "octave", "profile", "protocols", "services",
        "ssl/certs", "ssl/openssl.cnf", "submit", "terminfo", "texmf", "timezone", "vim", "xdg",
    ]
    /// What is made for it there.
    private static let own: [Substring] = [
        "group", "hostname", "hosts", "machine-id", "nsswitch.conf", "passwd", "resolv.conf",
    ]

    @Test("nothing of the host is bound into a container but its programs, and of /etc what is known")
    func binds() throws {
        let order = DisplayOrder(
            display: try DisplayNumber(1), geometry: .usual, depth: 24, withGL: true, uid: 1, password: Secret(""),
            key: Secret(""))
        let words = Container.wrapped(
            order, "Xvnc", DisplayFolder(path: "/display"), .template, filter: 3, information: 4)
        // Whatever way of binding bubblewrap knows.
        let bound = zip(words, words.dropFirst()).filter { $0.0.contains("bind") }.map { $0.1 }
        let others = ["/usr", "/opt", "/apps", "/var/lib/xkb", "/var/cache/fontconfig", "/display/x"]
        let made = bound.filter { $0.hasPrefix(ContainerSight.templateFolder + "/") }
        #expect(Set(bound).subtracting(made) == Set(Self.ofHost.map { "/etc/" + $0 } + others))
    }

    @Test("which start of the kernel it is, and how much the whole host has open, is not told")
    func kernel() throws {
        let look =
            "cd /proc/sys; cat kernel/random/boot_id fs/aio-nr fs/dentry-state fs/file-nr fs/inode-nr fs/inode-state "
            + "kernel/pty/nr"
        try withDisplay(3205) { agent, number in
            let other = try DisplayNumber(3206)
            #expect(try agent.make(other) == .displayReady)
            let lines = try agent.said(look, on: number).split(separator: "\n")
            let boot = try #require(lines.first)
            #expect(boot.utf8.count == 36 && boot != RunFolder.kernelBoot[...])
            #expect(try agent.said(look, on: other, session: 9).prefix(36) != boot)
            let most = try #require(text(of: "/proc/sys/fs/file-max")?.split(separator: "\n").first)
            #expect(
                lines.dropFirst() == [
                    "0", "0\t0\t45\t0\t0\t0", "0\t0\t\(most)", "0\t0", "0\t0\t0\t0\t0\t0\t0", "0",
                ])
            _ = try agent.end(other)
            _ = try agent.end(number)
        }
    }

    @Test("another session's processes, files, X display and sockets are not there, not even for the same user")
    func another() throws {
        let secret = "echo secret-8 > /tmp/secret; echo there; exec sleep 1000"
        try withVictim(3207, secret) { agent, victim, attacker in
            let first = try #require(agent.left(of: victim).first)
            let inside = Agent.sharingNamespaces(of: first.pid)
            let keeper = try #require(agent.processes("keep \(victim)").first)
            let attack = """
                import os, signal, socket
                def attempt(name, action):
                    try: print(name, 'DONE', action())
                    except OSError as error: print(name, 'refused', error.errno)
                own = sorted(int(p) for p in os.listdir('/proc') if p.isdigit())
                print('count', len(own))
                for pid in \(inside.map { Int($0.pid) }) + [\(getpid()), \(keeper)]:
                    if pid not in own: attempt('signal', lambda: os.kill(pid, signal.SIGKILL))
                for pid in own:
                    if os.stat('/proc/%d' % pid).st_uid == os.getuid(): continue
                    attempt('kill', lambda: os.kill(pid, signal.SIGSTOP))
                    for part in ['root/', 'cwd/', 'fd', 'map_files']:
                        attempt(part, lambda: os.listdir('/proc/%d/%s' % (pid, part)))
                    for part in ['mem', 'environ', 'exe']:
                        attempt(part, lambda: open('/proc/%d/%s' % (pid, part), 'rb').read(1))
                for path in ['/tmp/secret', '\(agent.run)/displays/\(victim)/x/auth', '\(agent.run)/data.sock',
                             '/run/maxwell/x/auth', '/run/maxwell/x/passwd']:
                    attempt('file', lambda: open(path, 'rb').read())
                def connect(path):
                    s = socket.socket(socket.AF_UNIX); s.connect(path); return s
                for path in ['/tmp/.X11-unix/X\(victim)', '\\0/tmp/.X11-unix/X\(victim)', '\(agent.run)/data.sock',
                             '\(agent.run)/displays/\(victim)/x/rfb', '/run/maxwell/x/rfb',
                             '\(agent.run)/displays/\(victim)/keep.sock', '\(agent.run)/displays/\(victim)/door.sock']:
                    attempt('connect', lambda: connect(path))
                print('displays', os.listdir('/tmp/.X11-unix'), flush=True)
                try: os.kill(-1, signal.SIGKILL)
                except OSError: pass
                """
            let said = try agent.said(try agent.python(attack), on: attacker)
            #expect(!said.contains("DONE") && !said.contains("Traceback"), "\(said)")
            // bubblewrap, setpriv's Xvnc, the shell and Python.
            #expect(said.hasPrefix("count 4\n"), "\(said)")
            #expect(said.split(separator: "\n").count { $0.hasPrefix("signal refused 3") } > 3, "\(said)")
            #expect(said.split(separator: "\n").count { $0 == "kill refused 1" } == 2, "\(said)")
            #expect(said.contains("displays ['X\(attacker)']"), "\(said)")
            #expect(inside.allSatisfy { $0.isAlive } && kill(keeper, 0) == 0)
            #expect(try agent.data("RFB \(victim) \(Agent.key.exposed)\n", bytes: 15) == "OK\nRFB 003.008\n")
        }
    }

    @Test("abstract sockets, shared memory and message queues end at the container")
    func shared() throws {
        let make = """
            import ctypes, os, socket, time
            libc = ctypes.CDLL(None, use_errno=True)
            held = socket.socket(socket.AF_UNIX); held.bind('\\0mw-secret'); held.listen()
            print('segment', libc.shmget(0x4d57, 4096, 0o1666) >= 0, 'queue', libc.msgget(0x4d57, 0o1666) >= 0)
            open('/dev/shm/mw-secret', 'w').write('secret')
            print('there', flush=True)
            time.sleep(1000)
            """
        let name = "mw-host-\(getpid())"
        let host = try WatchedProcess(["/usr/bin/socat", "ABSTRACT-LISTEN:\(name)", "-"], log: "/tmp/\(name).log")
        defer {
            host.stop()
            unlink("/tmp/\(name).log")
        }
        try host.waitUntil { text(of: "/proc/net/unix")?.contains("@\(name)") == true }
        let look = """
            import ctypes, os, socket
            libc = ctypes.CDLL(None, use_errno=True)
            s = socket.socket(socket.AF_UNIX)
            for name in ['mw-secret', '\(name)']: print(s.connect_ex('\\0' + name))
            print(libc.shmget(0x4d57, 4096, 0o666), libc.msgget(0x4d57, 0o666), os.listdir('/dev/shm'))
            print(len(open('/proc/sysvipc/shm').readlines()), 'mw-' in open('/proc/net/unix').read())
            """
        try withDisplay(3209) { agent, victim in
            let attacker = try DisplayNumber(3210)
            #expect(try agent.make(attacker) == .displayReady)
            try agent.begin(try agent.python(make), on: victim, session: 8)
            #expect(agent.file("8/app.log").hasPrefix("segment True queue True\n"))
            let said = try agent.said(try agent.python(look), on: attacker)
            #expect(said == "111\n111\n-1 -1 []\n1 False\n")
            _ = try agent.end(attacker)
            _ = try agent.end(victim)
        }
    }

    @Test("a machine that never did anything has as many processors, and was booted when this one was")
    func idle() {
        let given =
            "cpu  5 6 7\ncpu0 5 6\ncpu1 0 0\nintr 99 1 2\nctxt 7\nbtime 1700\nprocesses 8\nprocs_running 3\npage 9\n"
        #expect(
            ContainerSight.idle(given) == """
                cpu 0 0 0 0 0 0 0 0 0 0
                cpu0 0 0 0 0 0 0 0 0 0 0
                cpu1 0 0 0 0 0 0 0 0 0 0
                intr 0
                ctxt 0
                btime 1700
                processes 1
                procs_running 1

                """)
    }
}
