import FoundationEssentials
import Glibc
import HostProtocol
import SessionModel
import TestServers
import Testing

@testable import Isolation

@Suite("what a session may do", .serialized)
struct PrivilegeTests {
    private func confinement(_ pid: Int32) -> [String: String] {
        var found: [String: String] = [:]
        for line in text(of: "/proc/\(pid)/status")?.split(separator: "\n") ?? [] {
            let parts = line.split(separator: "\t", maxSplits: 1)
            if parts.count == 2 { found[String(parts[0].dropLast())] = String(parts[1]) }
        }
        return found
    }

    @Test("no process of a display has a privilege or can get one, Xvnc and whatever enters included")
    func everyProcess() throws {
        try withDisplay(3221) { agent, number in
            try agent.begin("setsid sleep 1000 & echo there; exec sleep 1000", on: number)
            #expect(
                try agent.ask(.message(display: number, key: Agent.key, text: "hello", seconds: 600)) == .done)
            let first = try #require(agent.left(of: number).first)
            let application = try #require(agent.left(of: number).application)
            while text(of: "/proc/\(application.pid)/comm") != "sleep\n" { usleep(2000) }
            let inside = Agent.sharingNamespaces(of: first.pid).map(\.pid)
            #expect(inside.count == 5)
            for pid in inside {
                let found = confinement(pid)
                let name = found["Name"] ?? ""
                #expect(found["Seccomp"] == "2" && found["NoNewPrivs"] == "1", "\(name): \(found)")
                // bubblewrap's own, the first process, only waits for the others: it executes nothing more.
                for kind in ["CapPrm", "CapEff", "CapInh", "CapAmb"] + (pid == first.pid ? [] : ["CapBnd"]) {
                    #expect(found[kind] == "0000000000000000", "\(name): \(kind)")
                }
                let uid = name == "Xvnc" ? "\(2_000_000 + number.value)" : pid == first.pid ? "0" : "10001"
                #expect(found["Uid"] == [uid, uid, uid, uid].joined(separator: "\t"), "\(name)")
            }
            #expect(Set(inside.compactMap { confinement($0)["Name"] }) == ["bwrap", "Xvnc", "sleep", "xmessage"])
            expectEnded(try agent.end(number))
        }
    }

    /// Calls by number with their arguments, and what is answered in place of what the kernel would do.
    private static let refused = """
        import ctypes, os
        libc = ctypes.CDLL(None, use_errno=True)
        EPERM, ENOSYS, EAFNOSUPPORT, EPROTONOSUPPORT = 1, 38, 97, 93
        def call(name, number, expected, *arguments):
            ctypes.set_errno(0)
            result = libc.syscall(ctypes.c_long(number), *[ctypes.c_long(a) for a in arguments])
            if (result, ctypes.get_errno()) != (-1, expected):
                print(name, result, ctypes.get_errno(), 'not', expected)
                if name in ('clone', 'fork') and result == 0: os._exit(0)
        space = ctypes.addressof(ctypes.create_string_buffer(4096))
        """

    /// Tries every call that a session has no use for, and prints which one was answered; then what must go on to work.
    private static let everything =
        refused + """

            for name, number in dict(ptrace=101, process_vm_readv=310, process_vm_writev=311, kcmp=312,
                pidfd_getfd=438, process_madvise=440, kexec_load=246, kexec_file_load=320, add_key=248,
                request_key=249, keyctl=250, bpf=321, perf_event_open=298, userfaultfd=323, mount=165, umount2=166,
                pivot_root=155, chroot=161, open_tree=428, move_mount=429, fsopen=430, fsconfig=431, fsmount=432,
                fspick=433, mount_setattr=442, swapon=167, swapoff=168, reboot=169, iopl=172, ioperm=173,
                init_module=175, delete_module=176, finit_module=313, quotactl=179, quotactl_fd=443, acct=163,
                syslog=103, lookup_dcookie=212, setns=308, name_to_handle_at=303, open_by_handle_at=304,
                fanotify_init=300, modify_ldt=154, uselib=134, sysfs=139, _sysctl=156, vhangup=153,
                sethostname=170, setdomainname=171, settimeofday=164, clock_settime=227, clock_adjtime=305,
                migrate_pages=256).items():
                call(name, number, EPERM, 0, 0, 0, 0, 0, 0)
            for name, number in dict(io_setup=206, io_destroy=207, io_getevents=208, io_submit=209, io_cancel=210,
                io_pgetevents=333, io_uring_setup=425, io_uring_enter=426, io_uring_register=427, clone3=435,
                statmount=457, listmount=458, from_tomorrow=600, x32=0x40000000 + 39).items():
                call(name, number, ENOSYS, 0, 0, 0, 0, 0, 0)
            for flag in [0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000]:
                call('clone', 56, EPERM, flag | 17, 0, 0, 0, 0)
                call('unshare', 272, EPERM, flag)
            call('unshare', 272, EPERM, 0x80)
            for family in [0, 3, 4, 5, 9, 15, 17, 21, 26, 29, 30, 31, 35, 38, 40, 41, 42, 44, 45]:
                call('socket', 41, EAFNOSUPPORT, family, 1, 0)
                call('socketpair', 53, EAFNOSUPPORT, family, 1, 0, space)
            for family in [2, 10]:
                for kind in [3, 3 | 0o2000000, 4, 5, 6, 10]: call('socket', 41, EPERM, family, kind, 0)
                for protocol in [33, 115, 132, 136, 255, 262]:
                    call('socket', 41, EPROTONOSUPPORT, family, 1, protocol)
            for protocol in [2, 4, 9, 12, 15, 16]: call('socket', 41, EPROTONOSUPPORT, 16, 3, protocol)
            for request in [0x5412, 0x541C, 0x100005412]: call('ioctl', 16, EPERM, 0, request, space)
            for personality in [0x400000, 0x200000, 0x10, 0x100000]: call('personality', 135, EPERM, personality)
            import socket, subprocess, threading
            socket.socket(socket.AF_UNIX); socket.socketpair(); socket.socket(); socket.if_nameindex()
            socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
            threading.Thread(target=lambda: print('thread', flush=True)).start()
            print(subprocess.run(['echo', 'child'], capture_output=True).stdout, libc.personality(0xffffffff))
            """

    /// What that prints where each is refused.
    private static let nothing = "thread\nb'child\\n' 0\n"

    @Test("no call that reaches beyond the session is answered")
    func calls() throws {
        try withDisplay(3222) { agent, number in
            let said = try agent.said(try agent.python(Self.everything), on: number)
            #expect(said == Self.nothing)
        }
    }

    @Test(
        "no such call is answered in Xvnc's place or in a message's either, whatever the application is marked for",
        arguments: [false, true])
    func otherPlaces(marked: Bool) throws {
        let folder = "/tmp/mw-x\(Secret.token().exposed.prefix(8))"
        try makeFolder(folder, 0o755)
        defer { removeTree(folder) }
        // As the container has the folder.
        let inside = "/usr/local/src"
        let server = """
            #!/bin/sh
            cd /tmp
            (
                while [ ! -e /run/maxwell/x/go ]; do sleep 0.01; done
                python3 \(inside)/attack.py >server-new 2>&1
                mv server-new server-said
            ) &
            exec Xvnc "$@"

            """
        let message = """
            #!/bin/sh
            cd /tmp
            python3 \(inside)/attack.py >new 2>&1
            mv new said

            """
        try writeFile(folder + "/attack.py", Array(Self.everything.utf8), mode: 0o644)
        try writeFile(folder + "/Xvnc", Array(server.utf8), mode: 0o755)
        try writeFile(folder + "/xmessage", Array(message.utf8), mode: 0o755)
        try withAgent(
            ["--xvnc", inside + "/Xvnc"], bound: [inside: folder, "/usr/bin/xmessage": folder + "/xmessage"]
        ) { agent in
            let number = try DisplayNumber(3227)
            try #require(try agent.make(number) == .displayReady)
            try agent.begin("echo there; while [ ! -e /tmp/said ]; do sleep 0.01; done; cat /tmp/said", on: number) {
                $0.mayMakeUserNamespaces = marked
            }
            #expect(try agent.ask(.message(display: number, key: Agent.key, text: "hello", seconds: 600)) == .done)
            let place = RunFolder(path: agent.run, isolation: .container).display(number).server
            try writeFile(place + "/go", [])
            _ = try agent.exit()
            #expect(agent.file("7/app.log") == "there\n" + Self.nothing)
            let first = try #require(agent.left(of: number).first)
            let said = "/proc/\(first.pid)/root/tmp/server-said"
            while access(said, F_OK) != 0 { usleep(2000) }
            #expect(text(of: said) == Self.nothing)
            expectEnded(try agent.end(number))
            #expect(agent.traces(of: number) == [])
        }
    }

    @Test("the kernel's older entrances kill who uses them")
    func older() throws {
        // mov $20, %eax (getpid of i386); int $0x80; ret
        let attack = """
            import ctypes, mmap
            page = mmap.mmap(-1, 4096, prot=7)
            page.write(bytes([0xb8, 20, 0, 0, 0, 0xcd, 0x80, 0xc3]))
            print('calling', flush=True)
            print(ctypes.CFUNCTYPE(ctypes.c_long)(ctypes.addressof(ctypes.c_char.from_buffer(page)))())
            """
        try withDisplay(3223) { agent, number in
            let command = try agent.python(attack)
            let said = try agent.said(command + "; echo status $?", on: number)
            #expect(said == "calling\nBad system call\nstatus 159\n")
        }
    }

    @Test("set-user-ID programs and devices that lie in the home are harmless, and none of the system's helps")
    func setUser() throws {
        try withDisplay(3224) { agent, number in
            let program = agent.home + "/id"
            try writeFile(program, try #require(contents(of: "/usr/bin/id")), mode: 0o6755)
            let device = agent.home + "/null"
            try #require(mknod(device, S_IFCHR | 0o666, 0x103) == 0 && chmod(device, 0o666) == 0)
            let said = try agent.said(
                "$HOME/id -u; cat $HOME/null && echo opened; mknod $HOME/m c 1 1 && echo made; su -c id </dev/null "
                    + "&& echo su; mount -t tmpfs x /tmp && echo mounted; chroot / true && echo chrooted; "
                    + "unshare -Ur true && echo unshared; for d in mem kmem kmsg port fuse kvm sda vda net/tun loop0 "
                    + "mapper/control input/event0 tty0 uinput snapshot; do test -e /dev/$d && echo there $d; done; "
                    + "ls /dev | tr '\\n' ' '",
                on: number)
            let lines = said.split(separator: "\n")
            #expect(lines.first == "10001")
            for word in ["opened", "made", "su", "mounted", "chrooted", "unshared"] {
                #expect(!lines.contains(Substring(word)), "\(said)")
            }
            #expect(!said.contains("there "))
            #expect(
                lines.last
                    == "core fd full null ptmx pts random shm stderr stdin stdout tty urandom zero ", "\(said)")
        }
    }

    @Test("an application that is marked makes user namespaces, and reaches nothing more through them")
    func marked() throws {
        let attack =
            Self.refused + """

                for name, number in dict(ptrace=101, keyctl=250, bpf=321, setns=308, perf_event_open=298, open_tree=428,
                    fsopen=430, kexec_load=246, init_module=175, userfaultfd=323, process_vm_readv=310).items():
                    call(name, number, EPERM, 0, 0, 0, 0, 0, 0)
                for name, number in dict(io_uring_setup=425, clone3=435).items():
                    call(name, number, ENOSYS, 0, 0, 0, 0, 0, 0)
                """
        try withDisplay(3225) { agent, number in
            let attacks = try agent.python(attack)
            let said = try agent.said(
                "unshare -Ur id -u; unshare -Urm sh -c '\(attacks); mount -t tmpfs x /mnt 2>/dev/null; "
                    + "mount -o remount,rw /usr && echo writable; umount /proc/stat && echo unmasked; "
                    + "mount -t proc proc /proc 2>/dev/null && cat /proc/kcore 2>/dev/null | head -c1 | wc -c; "
                    + "touch /usr/x /etc/x && echo written; mknod /tmp/x c 1 1 && echo made; ls /sys'; "
                    + "unshare -Urp --fork --mount-proc true && echo fresh proc; unshare -n true && echo net; "
                    + "bwrap --unshare-user --unshare-net --ro-bind / / --dev /dev true && echo nested",
                on: number
            ) { $0.mayMakeUserNamespaces = true }
            let lines = said.split(separator: "\n").filter { !$0.contains(": ") && !$0.hasPrefix(" ") }
            #expect(lines == ["0", "nested"], "\(said)")
        }
    }

    @Test(
        "a browser with its own sandbox works where an application is marked, and only there", arguments: [true, false])
    func browser(marked: Bool) throws {
        try withDisplay(3226) { agent, number in
            let said = try agent.said(
                "chromium --headless=new --disable-gpu --user-data-dir=$HOME/browser --no-first-run "
                    + "--virtual-time-budget=1000 --dump-dom 'data:text/html,<p>shown</p>' 2>&1; echo status $?",
                on: number
            ) { $0.mayMakeUserNamespaces = marked }
            #expect(said.contains("<p>shown</p>") == marked, "\(said)")
            #expect(said.contains("status 0\n") == marked, "\(said)")
            expectEnded(try agent.end(number))
            #expect(agent.traces(of: number) == [])
        }
    }
}
