import CLinux
import Glibc
import HostProtocol
import SessionModel

/// Brings an application into a display: runs in children of the keeper, which only reads what they report.
///
/// The children write lines to a pipe: `P PID` when the application's process is there, `E STEP: CAUSE` when a step
/// failed, `H STEP: CAUSE` when it was the home's. The end of the pipe after a `P` means that it was executed.
struct ApplicationLaunch: Codable {
    let order: ApplicationOrder
    let displayUser: UInt32
    let cookie: [UInt8]
    /// The container's first process; nil: no container.
    let container: Int32?

    /// The session's directory.
    static func sessionFolder(_ account: Account, _ session: SessionNumber) -> String {
        "\(account.home)/data/sessions/\(session)"
    }

    /// Where the application finds its X cookie.
    private var authority: String {
        container == nil ? "/tmp/.maxwell-auth-\(order.display)-\(order.session)" : "/run/maxwell/auth"
    }

    private func say(_ line: String, _ report: Int32) { _ = writeAll(Array((line + "\n").utf8), to: report) }

    private func give(up kind: String, _ step: String, _ report: Int32) -> Never {
        say("\(kind) \(step): \(String(cString: strerror(errno)))", report)
        _exit(1)
    }

    /// In the display's cgroups: goes into its container and runs the application.
    func enter(reporting report: Int32) -> Never {
        let home = clinux_open_tree_clone(order.account.home)
        if container != nil, home < 0 || clinux_mount_harmless(home) != 0 {
            give(up: "H", "home \(order.account.home)", report)
        }
        var folder = stat()
        guard stat(order.account.home, &folder) == 0, folder.st_mode & S_IFMT == S_IFDIR else {
            give(up: "H", "home \(order.account.home)", report)
        }
        if let container {
            let kinds = [
                ("mnt", clinux_clone_newns), ("ipc", clinux_clone_newipc), ("uts", clinux_clone_newuts),
                ("net", clinux_clone_newnet), ("pid", clinux_clone_newpid),
            ]
            let spaces = kinds.map { open("/proc/\(container)/ns/\($0.0)", O_RDONLY | O_CLOEXEC) }
            for (kind, space) in zip(kinds, spaces) where clinux_setns(space, kind.1) != 0 {
                give(up: "E", "setns \(kind.0)", report)
            }
            furnish(home, report)
        } else if (try? writeAuthority()) == nil {
            give(up: "E", "authority", report)
        }
        let child = clinux_fork()
        if child < 0 { give(up: "E", "fork", report) }
        if child > 0 {
            say("P \(child)", report)
            _exit(0)
        }
        run(report)
    }

    /// What the container gets when a user takes it: home, accounts, name, cookie.
    private func furnish(_ home: Int32, _ report: Int32) {
        do throws(HostFailure) {
            try makeFolders(order.account.home, 0o755)
            guard clinux_move_mount(home, order.account.home) == 0 else { throw failure("move_mount") }
            try writeFile(
                "/etc/passwd", Array(AccountFiles.passwd(order.account, display: displayUser).utf8), mode: 0o644)
            try writeFile(
                "/etc/group", Array(AccountFiles.group(order.account, display: displayUser).utf8), mode: 0o644)
            let name = "session-\(order.session)"
            try writeFile("/etc/nsswitch.conf", Array("passwd: files\ngroup: files\nhosts: files\n".utf8), mode: 0o644)
            try writeFile("/etc/hosts", Array("127.0.0.1 localhost \(name)\n::1 localhost\n".utf8), mode: 0o644)
            try writeFile("/etc/hostname", Array("\(name)\n".utf8), mode: 0o644)
            guard sethostname(name, name.utf8.count) == 0 else { throw failure("sethostname") }
            try writeAuthority()
        } catch {
            say("E \(error.cause)", report)
            _exit(1)
        }
    }

    private func writeAuthority() throws(HostFailure) {
        let bytes = Container.authority(display: order.display, cookie: cookie)
        try writeFile(authority, bytes, owner: order.account.uid)
    }

    /// As the application's own process: confines itself, prepares the session's directory and executes.
    private func run(_ report: Int32) -> Never {
        setsid()
        if let step = becomeUser(order.account, filtered: container != nil) { give(up: "E", step, report) }
        let account = order.account
        let folder = Self.sessionFolder(account, order.session)
        let parameters = folder + "/parameters.hz"
        do throws(HostFailure) {
            for part in ["/data", "/data/sessions", "/data/sessions/\(order.session)"] {
                try makeFolder(account.home + part, 0o755)
            }
            try writeFile(folder + "/resources", Array(order.resources.exposed.utf8))
            if let text = order.parameters { try writeFile(parameters, Array(text.utf8)) }
        } catch {
            say("H \(error.cause)", report)
            _exit(1)
        }
        guard chdir(folder) == 0 else { give(up: "H", "chdir \(folder)", report) }
        let output = open(folder + "/app.log", O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0o640)
        let input = open("/dev/null", O_RDONLY | O_CLOEXEC)
        guard output >= 0, input >= 0 else { give(up: "H", "open \(folder)/app.log", report) }
        var variables = order.environment
        variables.merge(
            [
                "HOME": account.home, "USER": account.name.text, "LOGNAME": account.name.text, "SHELL": account.shell,
                "PATH": "/usr/local/bin:/usr/bin:/bin:/usr/local/games:/usr/games", "DISPLAY": ":\(order.display)",
                "XAUTHORITY": authority, "LANG": "C.UTF-8", "SESSION": "\(order.session)", "SESSIONDIR": folder,
                "RESULTSDIR": "\(account.home)/data/results/\(order.session)", "PWD": folder,
            ], uniquingKeysWith: { $1 })
        if order.parameters != nil { variables["TOOL_PARAMETERS"] = parameters }
        arrangeDescriptors([input, output, output, report])
        _ = fcntl(3, F_SETFD, FD_CLOEXEC)
        withCStrings(["/bin/sh", "-c", order.command]) { arguments in
            withCStrings(variables.map { "\($0.key)=\($0.value)" }) { environment in
                _ = execve("/bin/sh", arguments, environment)
            }
        }
        give(up: "E", "exec /bin/sh", 3)
    }
}
