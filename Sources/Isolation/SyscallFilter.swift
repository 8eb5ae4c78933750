import CLinux
import Glibc

/// What no process of a display may ask of the kernel, as a BPF program (seccomp(2)) for x86-64.
///
/// A new user namespace would give back what an empty bounding set took; the rest is kernel surface that no
/// application of a display needs.
enum SyscallFilter {
    private static let cloneNewUser: UInt32 = 0x1000_0000
    private static let architecture: UInt32 = 0xC000_003E
    private static let x32Bit: UInt32 = 0x4000_0000

    /// Refused with EPERM.
    private static let forbidden: [UInt32] = [
        155, 161, 165, 166, 167, 168,  // pivot_root, chroot, mount, umount2, swapon, swapoff
        169, 172, 173, 175, 176, 177, 313, 179,  // reboot, iopl, ioperm, *_module, quotactl
        246, 320, 248, 249, 250,  // kexec_load, kexec_file_load, add_key, request_key, keyctl
        298, 321, 323, 308, 303, 304,  // perf_event_open, bpf, userfaultfd, setns, name_to_handle_at, open_by_*
        428, 429, 430, 431, 432, 433, 442, 310, 311,  // open_tree … fspick, mount_setattr, process_vm_*
        101, 163, 103, 212,  // ptrace, acct, syslog, lookup_dcookie
    ]
    /// Refused with ENOSYS, so that a library takes its older way.
    private static let missing: [UInt32] = [425, 426, 427, 435]  // io_uring_*, clone3

    /// The program, an instruction (struct sock_filter) in each word.
    static let program: [UInt64] = {
        let load: UInt16 = 0x20
        let equal: UInt16 = 0x15
        let atLeast: UInt16 = 0x35
        let anyBit: UInt16 = 0x45
        let answer: UInt16 = 0x06
        let allow: UInt32 = 0x7FFF_0000
        let refuse: UInt32 = 0x0005_0000
        let kill: UInt32 = 0x8000_0000
        var program = [
            word(load, 4), word(equal, architecture, then: 1), word(answer, kill),
            word(load, 0), word(atLeast, x32Bit, otherwise: 1), word(answer, refuse | UInt32(ENOSYS)),
        ]
        for number in missing {
            program += [word(equal, number, otherwise: 1), word(answer, refuse | UInt32(ENOSYS))]
        }
        for number in forbidden {
            program += [word(equal, number, otherwise: 1), word(answer, refuse | UInt32(EPERM))]
        }
        for number: UInt32 in [56, 272] {  // clone, unshare: the flags are the first argument
            program += [
                word(equal, number, otherwise: 4), word(load, 16), word(anyBit, cloneNewUser, otherwise: 1),
                word(answer, refuse | UInt32(EPERM)), word(answer, allow),
            ]
        }
        program.append(word(answer, allow))
        return program
    }()

    private static func word(_ code: UInt16, _ value: UInt32, then: UInt8 = 0, otherwise: UInt8 = 0) -> UInt64 {
        UInt64(code) | UInt64(then) << 16 | UInt64(otherwise) << 24 | UInt64(value) << 32
    }

    /// Puts the calling process and all it starts behind the filter; false with errno.
    static func install() -> Bool {
        program.withUnsafeBufferPointer { clinux_seccomp($0.baseAddress, UInt16($0.count)) == 0 }
    }

    /// The program as bubblewrap reads it.
    static var bytes: [UInt8] { program.withUnsafeBytes { Array($0) } }
}
