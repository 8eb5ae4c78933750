import CLinux
import Glibc
import HostProtocol
import SessionModel

/// The painter's way from root to nobody.
enum PainterConfinement {
    /// Starts the painter in a child of this process; answers the child and our end of its packet socket.
    static func begin(_ run: RunFolder) throws(HostFailure) -> (painter: Int32, link: Int32) {
        var ends: [Int32] = [-1, -1]
        guard clinux_packet_pair(&ends) == 0 else { throw failure("socketpair") }
        let child = clinux_fork()
        guard child >= 0 else { throw failure("fork") }
        if child == 0 {
            resetSignals()
            clinux_ignore_signal(SIGPIPE)
            let input = open("/dev/null", O_RDONLY | O_CLOEXEC)
            arrangeDescriptors([input, 2, 2, ends[1]])
            if let step = confine(run) {
                log("synthetic: \(step): \(String(cString: strerror(errno)))")
                _exit(1)
            }
            SyntheticPainter.main(link: 3)
            _exit(0)
        }
        close(ends[1])
        return (child, ends[0])
    }

    /// In the painter: no file that can be written, no network, no privilege, and nothing to ask the kernel for. Answers the
    /// step that failed.
    private static func confine(_ run: RunFolder) -> String? {
        // Its root is a folder that is not there any more: nothing is in it, and nothing can be made in it.
        let place = "\(run.path)/.nothing-\(getpid())"
        guard mkdir(place, 0o700) == 0, chdir(place) == 0 else { return "mkdir" }
        guard rmdir(place) == 0 else { return "rmdir" }
        guard chroot(".") == 0 else { return "chroot" }
        let others = clinux_clone_newnet | clinux_clone_newipc | clinux_clone_newuts
        guard run.isolation == .none || clinux_unshare(others) == 0 else { return "unshare" }
        // Nobody's other processes cannot be added to.
        var none = rlimit(rlim_cur: 0, rlim_max: 0)
        setrlimit(__rlimit_resource_t(__RLIMIT_NPROC.rawValue), &none)
        setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &none)
        // The log, which it holds, cannot be made longer by it: what it says there is lost.
        clinux_ignore_signal(SIGXFSZ)
        setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &none)
        guard let name = try? UserName("nobody") else { return "nobody" }
        let nobody = Account(name: name, uid: 65534, gid: 65534, home: "/", shell: "/", groups: [])
        return becomeUser(nobody, behind: .onlyMovesBytes)
    }

    /// Lets this process and its children open as many files as anyone here may.
    static func raiseLimit() {
        var limit = rlimit()
        let kind = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        guard getrlimit(kind, &limit) == 0 else { return }
        limit.rlim_cur = limit.rlim_max
        setrlimit(kind, &limit)
    }
}
