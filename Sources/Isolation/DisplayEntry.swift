import CLinux
import Glibc
import HostProtocol
import SessionModel

/// The way of a program into a display: its container, its session's user, its confinement. Used in children of the
/// keeper, which only reads what they report.
///
/// The children write lines to a pipe: `P PID` when the program's process is there, `E STEP: CAUSE` when a step failed,
/// `H STEP: CAUSE` when it was the home's, `F` when that is full and the program is executed all the same, `M` when an image is
/// mounted that has to be let go of. The end of the pipe after a `P` means that it was executed.
struct DisplayEntry: Codable {
    /// A program to execute, with its first three descriptors.
    struct Program {
        var arguments: [String]
        var environment: [String: String]
        var descriptors: [Int32]
    }

    let display: DisplayNumber
    let session: SessionNumber
    let account: Account
    /// The container's first process; nil: no container.
    let container: Int32?
    let limits: ProcessLimits

    /// Where the session's programs find its X cookie.
    var authority: String {
        container == nil ? "/tmp/.maxwell-auth-\(display)-\(session)" : "/run/maxwell/auth"
    }

    /// What every program of the session gets to know.
    var environment: [String: String] {
        [
            "USER": account.name.text, "LOGNAME": account.name.text, "SHELL": account.shell,
            "PATH": "/usr/local/bin:/usr/bin:/bin:/usr/local/games:/usr/games", "DISPLAY": ":\(display)",
            "XAUTHORITY": authority, "LANG": "C.UTF-8", "SESSION": "\(session)",
        ]
    }

    /// Ends the child with `step`, which failed with errno.
    static func give(up kind: String, _ step: String, _ report: Int32) -> Never {
        give(up: kind, failure(step), report)
    }

    /// Ends the child with what failed.
    static func give(up kind: String, _ failure: HostFailure, _ report: Int32) -> Never {
        say("\(kind) \(failure.cause)", report)
        _exit(1)
    }

    /// Tells that the session's files are not in its home, which has no room for them.
    static func tellFullHome(_ report: Int32) { say(fullHome, report) }

    /// That line.
    static let fullHome = "F"

    /// Tells that podman has mounted the application's image.
    static func tellImageMounted(_ report: Int32) { say(imageMounted, report) }

    /// That line.
    static let imageMounted = "M"

    private static func say(_ line: String, _ report: Int32) { _ = writeAll(Array((line + "\n").utf8), to: report) }

    /// In the display's cgroups: goes in, does `furnish` there as root, becomes the user in a process of its own, and
    /// executes what `prepare` answers there. In a container all of it is behind `filter`.
    func enter(
        reporting report: Int32, behind filter: SyscallFilter = .strict, furnish: () -> Void, prepare: () -> Program
    ) -> Never {
        umask(0o022)
        if let container {
            let kinds = [
                ("mnt", clinux_clone_newns), ("ipc", clinux_clone_newipc), ("uts", clinux_clone_newuts),
                ("net", clinux_clone_newnet), ("cgroup", clinux_clone_newcgroup), ("pid", clinux_clone_newpid),
            ]
            let spaces = kinds.map { open("/proc/\(container)/ns/\($0.0)", O_RDONLY | O_CLOEXEC) }
            for (kind, space) in zip(kinds, spaces) where clinux_setns(space, kind.1) != 0 {
                Self.give(up: "E", "setns \(kind.0)", report)
            }
        }
        furnish()
        let child = clinux_fork()
        if child < 0 { Self.give(up: "E", "fork", report) }
        if child > 0 {
            Self.say("P \(child)", report)
            _exit(0)
        }
        setsid()
        limits.apply()
        if let step = becomeUser(account, behind: container == nil ? nil : filter) { Self.give(up: "E", step, report) }
        let program = prepare()
        arrangeDescriptors(program.descriptors + [report])
        let last = Int32(program.descriptors.count)
        _ = fcntl(last, F_SETFD, FD_CLOEXEC)
        guard let file = program.arguments.first else { _exit(127) }
        withCStrings(program.arguments) { arguments in
            withCStrings(program.environment.map { "\($0.key)=\($0.value)" }) { environment in
                _ = execve(file, arguments, environment)
            }
        }
        Self.give(up: "E", "exec \(file)", last)
    }

    /// What the children reported: the program's process, or why there is none. A step's failure counts wherever it stands:
    /// the program's process may come to it before its parent has told of that process.
    static func outcome(of report: String) -> Result<Int32, HostFailure> {
        var process: Int32?
        for line in report.split(separator: "\n") {
            let rest = String(line.dropFirst(2))
            switch line.prefix(2) {
            case "P ": process = Int32(rest)
            case "H ":
                let full = rest.hasSuffix("No space left on device") || rest.hasSuffix("Disk quota exceeded")
                return .failure(HostFailure(full ? .homeFull : .homeUnavailable, rest))
            case "E ": return .failure(HostFailure(.applicationFailed, rest))
            default: break
            }
        }
        guard let process else { return .failure(HostFailure(.applicationFailed, "the launch was killed")) }
        return .success(process)
    }
}
