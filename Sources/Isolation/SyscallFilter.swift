import CLinux
import Glibc

/// What no process of a display may ask of the kernel, as a BPF program (seccomp(2)) for x86-64.
///
/// A new user namespace would give back what an empty bounding set took; the rest is kernel surface that no
/// application of a display needs. Calls by the older ways into the kernel, i386's and x32's, are killed and unknown.
struct SyscallFilter {
    /// For everything in a display.
    static let strict = SyscallFilter(namespaces: false)
    /// For an application that makes user namespaces of its own: a browser's sandbox, bubblewrap.
    static let withNamespaces = SyscallFilter(namespaces: true)

    /// For a process of ours that reads and writes what it was given, and does nothing else.
    static let onlyMovesBytes = SyscallFilter(allowing: [
        0, 1, 3, 44, 45, 46, 47, 48,  // read, write, close, sendto, recvfrom, sendmsg, recvmsg, shutdown
        232, 233, 281, 291, 318,  // epoll_wait, epoll_ctl, epoll_pwait, epoll_create1, getrandom
        9, 10, 11, 12, 25, 28,  // mmap, mprotect, munmap, brk, mremap, madvise
        13, 14, 15, 202, 228, 39, 60, 231,  // rt_sig*, futex, clock_gettime, getpid, exit, exit_group
    ])

    /// An instruction (struct sock_filter) in each word.
    let program: [UInt64]

    /// The program as bubblewrap reads it.
    var bytes: [UInt8] { program.withUnsafeBytes { Array($0) } }

    /// Puts the calling process and all it starts behind the filter; false with errno.
    func install() -> Bool {
        program.withUnsafeBufferPointer { clinux_seccomp($0.baseAddress, UInt16($0.count)) == 0 }
    }

    private init(namespaces: Bool) {
        var program =
            Self.load(4) + Self.unless(Self.architecture, Self.kill) + Self.load(0)
            + Self.from(Self.x32Bit, Self.refuse(ENOSYS)) + Self.from(Self.firstUnknown, Self.refuse(ENOSYS))
        for number in Self.missing { program += Self.when(number, Self.refuse(ENOSYS)) }
        for number in Self.forbidden + (namespaces ? [] : Self.ofNamespaces) {
            program += Self.when(number, Self.refuse(EPERM))
        }
        if !namespaces {
            program += Self.when(56, Self.load(16) + Self.any(Self.cloneNew, Self.refuse(EPERM)) + Self.allow)
            let unshared = Self.cloneNew | Self.cloneNewTime
            program += Self.when(272, Self.load(16) + Self.any(unshared, Self.refuse(EPERM)) + Self.allow)
        }
        program += Self.when(41, Self.sockets) + Self.when(53, Self.sockets)
        program += Self.when(16, Self.controls) + Self.when(135, Self.personalities)
        self.program = program + Self.allow
    }

    /// Refuses with EPERM whatever is not named.
    private init(allowing numbers: [UInt32]) {
        program =
            Self.load(4) + Self.unless(Self.architecture, Self.kill) + Self.load(0)
            + numbers.flatMap { Self.when($0, Self.allow) } + Self.refuse(EPERM)
    }

    private static let architecture: UInt32 = 0xC000_003E
    private static let x32Bit: UInt32 = 0x4000_0000
    /// The calls from here on came after Linux 5.17: a library that finds them missing takes its older way.
    private static let firstUnknown: UInt32 = 451
    /// CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID and NEWNET.
    private static let cloneNew: UInt32 = 0x7E02_0000
    private static let cloneNewTime: UInt32 = 0x80

    /// Refused with EPERM.
    private static let forbidden: [UInt32] = [
        167, 168, 169, 172, 173, 153,  // swapon, swapoff, reboot, iopl, ioperm, vhangup
        174, 175, 176, 177, 178, 313,  // *_module, get_kernel_syms
        179, 443, 180, 163, 103, 212,  // quotactl, quotactl_fd, nfsservctl, acct, syslog, lookup_dcookie
        246, 320, 248, 249, 250,  // kexec_load, kexec_file_load, add_key, request_key, keyctl
        298, 321, 323, 308, 303, 304,  // perf_event_open, bpf, userfaultfd, setns, name_to_handle_at, open_by_*
        428, 429, 430, 431, 432, 433, 442,  // open_tree, move_mount, fsopen, fsconfig, fsmount, fspick, mount_setattr
        101, 310, 311, 312, 438, 440,  // ptrace, process_vm_*, kcmp, pidfd_getfd, process_madvise
        300, 154, 134, 139, 156, 171,  // fanotify_init, modify_ldt, uselib, sysfs, _sysctl, setdomainname
        164, 227, 305, 256,  // settimeofday, clock_settime, clock_adjtime, migrate_pages
    ]
    /// Refused with EPERM where no namespace can be made either: pivot_root, chroot, mount, umount2, sethostname.
    private static let ofNamespaces: [UInt32] = [155, 161, 165, 166, 170]
    /// Refused with ENOSYS, so that a library takes its older way.
    private static let missing: [UInt32] = [
        425, 426, 427, 435,  // io_uring_*, clone3
        206, 207, 208, 209, 210, 333,  // io_*, whose requests at a time the whole host shares (fs.aio-max-nr)
    ]

    /// Of socket and socketpair: Unix, TCP, UDP and echo over IPv4 and IPv6, and what tells of the own interfaces.
    private static let sockets: [UInt64] = {
        let usual: [UInt32] = [0, 6, 17, 1, 58]
        let internet =
            load(24) + masked(15) + from(3, refuse(EPERM)) + load(32) + usual.flatMap { when($0, allow) }
            + refuse(EPROTONOSUPPORT)
        let netlink = load(32) + when(0, allow) + refuse(EPROTONOSUPPORT)
        return load(16) + when(1, allow) + when(2, internet) + when(10, internet) + when(16, netlink)
            + refuse(EAFNOSUPPORT)
    }()

    /// Of ioctl: no input for somebody else's terminal, TIOCSTI and TIOCLINUX.
    private static let controls = load(24) + when(0x5412, refuse(EPERM)) + when(0x541C, refuse(EPERM)) + allow

    /// Of personality: asking for it, PER_LINUX32, UNAME26 and ADDR_NO_RANDOMIZE.
    private static let personalities =
        load(16) + when(.max, allow) + any(~0x0006_0008, refuse(EPERM)) + allow
}

/// The pieces of a program; each of those with an answer ends with one, or goes on behind it.
extension SyscallFilter {
    private static let allow: [UInt64] = [word(0x06, 0x7FFF_0000)]
    private static let kill: [UInt64] = [word(0x06, 0x8000_0000)]

    private static func refuse(_ code: Int32) -> [UInt64] { [word(0x06, 0x0005_0000 | UInt32(code))] }

    /// Takes the word at `offset` of struct seccomp_data: 0 the number, 4 the architecture, 16, 24 and 32 the low halves
    /// of the arguments.
    private static func load(_ offset: UInt32) -> [UInt64] { [word(0x20, offset)] }

    private static func masked(_ bits: UInt32) -> [UInt64] { [word(0x54, bits)] }

    private static func when(_ value: UInt32, _ body: [UInt64]) -> [UInt64] {
        [word(0x15, value, otherwise: UInt8(body.count))] + body
    }

    private static func unless(_ value: UInt32, _ body: [UInt64]) -> [UInt64] {
        [word(0x15, value, then: UInt8(body.count))] + body
    }

    private static func from(_ value: UInt32, _ body: [UInt64]) -> [UInt64] {
        [word(0x35, value, otherwise: UInt8(body.count))] + body
    }

    private static func any(_ bits: UInt32, _ body: [UInt64]) -> [UInt64] {
        [word(0x45, bits, otherwise: UInt8(body.count))] + body
    }

    private static func word(_ code: UInt16, _ value: UInt32, then: UInt8 = 0, otherwise: UInt8 = 0) -> UInt64 {
        UInt64(code) | UInt64(then) << 16 | UInt64(otherwise) << 24 | UInt64(value) << 32
    }
}
