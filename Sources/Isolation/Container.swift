import HostProtocol
import SessionModel

/// The command that brings up a display's Xvnc, in its bubblewrap container or plainly.
enum Container {
    /// Folders and files of the host's /etc that programs read and that tell nothing of the host's accounts.
    private static let configuration = [
        "fonts", "X11", "alternatives", "ld.so.cache", "ld.so.conf", "ld.so.conf.d", "localtime", "timezone",
        "ssl/certs", "ssl/openssl.cnf", "ca-certificates.conf", "gnuplot", "mime.types", "magic", "java-17-openjdk",
        "profile",
        "bash.bashrc", "environ.sh", "protocols", "services", "vim", "terminfo", "gtk-3.0", "gtk-2.0", "xdg", "dconf",
        "environ.d", "submit", "texmf", "R", "octave", "chromium.d", "chromium",
    ]

    /// Where the container sees the display server's folder.
    static let server = "/run/maxwell/x"

    /// Xvnc's own command line. With `-rfbport 0` it would listen on TCP in spite of the Unix socket (Xvnc(1)); with
    /// an audit it would write of every X client that it turns away.
    static func server(_ order: DisplayOrder, _ program: String, in folder: String) -> [String] {
        [
            program, ":\(order.display)", "-geometry", "\(order.geometry)", "-depth", "\(order.depth)",
            "-rfbport", "-1", "-rfbunixpath", folder + "/rfb", "-rfbunixmode", "0600", "-nolisten", "tcp",
            "-nolisten", "local", "-SecurityTypes", "VncAuth", "-PasswordFile", folder + "/passwd", "-AlwaysShared",
            "-UseBlacklist=0", "-IdleTimeout=0", "-MaxIdleTime=0", "-MaxDisconnectionTime=0",
            "-auth", folder + "/auth", "-audit", "0", "-desktop", "maxwell",
        ] + (order.withGL ? [] : ["-extension", "GLX"])
    }

    private static func confined(_ order: DisplayOrder) -> [String] {
        [
            "setpriv", "--reuid", "\(order.uid)", "--regid", "\(order.uid)", "--clear-groups", "--no-new-privs",
            "--bounding-set", "-all", "--inh-caps", "-all",
        ]
    }

    /// Xvnc as a plain process of the host.
    static func plain(_ order: DisplayOrder, _ program: String, _ folder: DisplayFolder) -> [String] {
        confined(order) + server(order, program, in: folder.server)
    }

    /// bubblewrap with Xvnc inside; it reads the system call filter from descriptor `filter` and writes the inner
    /// pid to `information`.
    static func wrapped(
        _ order: DisplayOrder, _ program: String, _ folder: DisplayFolder, _ sight: ContainerSight, filter: Int,
        information: Int
    ) -> [String] {
        var words = [
            "bwrap", "--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts",
            "--unshare-cgroup", "--die-with-parent",
            "--new-session", "--hostname", "display-\(order.display)", "--cap-drop", "ALL", "--cap-add", "CAP_SETUID",
            "--cap-add", "CAP_SETGID", "--cap-add", "CAP_SETPCAP", "--seccomp", "\(filter)", "--info-fd",
            "\(information)", "--ro-bind", "/usr", "/usr", "--symlink", "usr/bin", "/bin", "--symlink", "usr/sbin",
            "/sbin", "--symlink", "usr/lib", "/lib", "--symlink", "usr/lib64", "/lib64", "--ro-bind-try", "/apps",
            "/apps", "--ro-bind-try", "/opt", "/opt", "--proc", "/proc", "--dev", "/dev",
        ]
        for folder in TemporaryFiles.folders {
            words += ["--perms", "1777", "--size", "\(TemporaryFiles.waiting)", "--tmpfs", folder]
        }
        for folder in ["/run", "/var", "/home", "/etc"] {
            words += ["--perms", "0755", "--size", "\(TemporaryFiles.fixed)", "--tmpfs", folder]
        }
        words += [
            "--perms", "1777", "--dir", "/tmp/.X11-unix",
            // bubblewrap makes what lies between with 0700: users could not pass.
            "--perms", "0755", "--dir", "/var/lib", "--perms", "0755", "--dir", "/var/cache",
            "--symlink", "/tmp", "/var/tmp", "--ro-bind-try", "/var/lib/xkb", "/var/lib/xkb",
            "--ro-bind-try", "/var/cache/fontconfig", "/var/cache/fontconfig",
            "--perms", "0755", "--dir", "/etc/ssl", "--perms", "0755", "--dir", "/run/maxwell", "--bind", folder.server,
            server, "--chdir", "/",
        ]
        for name in configuration { words += ["--ro-bind-try", "/etc/" + name, "/etc/" + name] }
        return words + sight.arguments + ["--"] + confined(order) + self.server(order, program, in: server)
    }

    /// An Xauthority file with one cookie that fits any host name: family Wild (Xau, 0xFFFF), because the
    /// container's name changes when a session takes the display.
    static func authority(display: DisplayNumber, cookie: [UInt8]) -> [UInt8] {
        func counted(_ bytes: [UInt8]) -> [UInt8] { [UInt8(bytes.count >> 8), UInt8(bytes.count & 255)] + bytes }
        return [0xFF, 0xFF] + counted([]) + counted(Array("\(display)".utf8))
            + counted(Array("MIT-MAGIC-COOKIE-1".utf8)) + counted(cookie)
    }
}

extension Container {
    /// What `-PasswordFile` reads: the 8 bytes of vncpasswd(1).
    static func passwordFile(_ password: Secret) -> [UInt8] {
        let digits = Array(VNCPassword.obfuscated(password).utf8)
        return stride(from: 0, to: digits.count - 1, by: 2).compactMap {
            UInt8(String(decoding: digits[$0...$0 + 1], as: UTF8.self), radix: 16)
        }
    }
}
