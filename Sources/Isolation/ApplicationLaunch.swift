import CLinux
import Glibc
import HostProtocol
import SessionModel

/// Brings an application into a display: runs in children of the keeper (``DisplayEntry``).
struct ApplicationLaunch: Codable {
    let order: ApplicationOrder
    let displayUser: UInt32
    let cookie: [UInt8]
    let entry: DisplayEntry
    /// What the container's files say of names.
    var names = ContainerNames()

    /// An application of `order` for the display of `container`.
    init(
        _ order: ApplicationOrder, displayUser: UInt32, cookie: [UInt8], container: Int32?, limits: ProcessLimits
    ) {
        self.order = order
        self.displayUser = displayUser
        self.cookie = cookie
        entry = DisplayEntry(
            display: order.display, session: order.session, account: order.account, container: container,
            limits: limits)
    }

    /// In the display's cgroups: goes into its container and runs the application.
    func enter(reporting report: Int32) -> Never {
        let home: Int32?
        do throws(HostFailure) {
            let found = try Home(order.account)
            home = entry.container == nil ? nil : try found.mount()
        } catch {
            DisplayEntry.give(up: "H", error, report)
        }
        let root: OwnRoot?
        do throws(HostFailure) { root = try ownRoot(report) } catch { DisplayEntry.give(up: "E", error, report) }
        entry.enter(reporting: report, behind: order.mayMakeUserNamespaces ? .withNamespaces : .strict) {
            do throws(HostFailure) {
                if let home { try furnish(home) }
                let bytes = Container.authority(display: order.display, cookie: cookie)
                try writeFile(entry.authority, bytes, owner: order.account.uid)
                try root?.become(for: order.account)
            } catch {
                DisplayEntry.give(up: "E", error, report)
            }
        } prepare: {
            prepare(report)
        }
    }

    /// The tree of an application that does not use the host's programs.
    private func ownRoot(_ report: Int32) throws(HostFailure) -> OwnRoot? {
        switch order.tree {
        case .host: return nil
        case _ where entry.container == nil:
            throw HostFailure(.applicationFailed, "without a container there are only the host's programs")
        case .folder(let path): return try OwnRoot(folder: path)
        case .image(let name):
            return try ContainerImage.root(of: name) { DisplayEntry.tellImageMounted(report) }
        }
    }

    /// What the container gets when a user takes it: home, accounts, name.
    private func furnish(_ home: Int32) throws(HostFailure) {
        try TemporaryFiles.resize(to: order.limits.temporary)
        try makeFolders(order.account.home, 0o755)
        guard clinux_move_mount(home, order.account.home) == 0 else { throw failure("move_mount") }
        try writeFile(
            "/etc/passwd", Array(AccountFiles.passwd(order.account, display: displayUser).utf8), mode: 0o644)
        try writeFile(
            "/etc/group", Array(AccountFiles.group(order.account, display: displayUser).utf8), mode: 0o644)
        let name = "session-\(order.session)"
        try writeFile(
            "/etc/nsswitch.conf", Array(("passwd: files\ngroup: files\n" + names.hostsSources).utf8), mode: 0o644)
        try writeFile("/etc/hosts", Array(names.hostsFile(name: name).utf8), mode: 0o644)
        try writeFile("/etc/resolv.conf", Array(names.resolver.utf8), mode: 0o644)
        try writeFile("/etc/hostname", Array("\(name)\n".utf8), mode: 0o644)
        guard sethostname(name, name.utf8.count) == 0 else { throw failure("sethostname") }
    }

    /// As the application's own process: prepares the session's directory.
    private func prepare(_ report: Int32) -> DisplayEntry.Program {
        let account = order.account
        let (folder, output): (String, Int32)
        do throws(HostFailure) { (folder, output) = try sessionFiles(report) } catch {
            DisplayEntry.give(up: "H", error, report)
        }
        let input = open("/dev/null", O_RDONLY | O_CLOEXEC)
        guard input >= 0 else { DisplayEntry.give(up: "E", "open /dev/null", report) }
        var variables = order.environment
        variables.merge(entry.environment) { $1 }
        variables.merge(
            [
                "HOME": account.home, "SESSIONDIR": folder,
                "RESULTSDIR": "\(account.home)/data/results/\(order.session)", "PWD": folder,
            ], uniquingKeysWith: { $1 })
        if order.parameters != nil { variables["TOOL_PARAMETERS"] = folder + "/parameters.hz" }
        return DisplayEntry.Program(
            arguments: ["/bin/sh", "-c", order.command], environment: variables, descriptors: [input, output, output])
    }

    /// The session's directory with its first files, to be worked in, and the application's log. On a full home they are in the
    /// container's memory: the user can still see what is there, and delete some of it.
    private func sessionFiles(_ report: Int32) throws(HostFailure) -> (folder: String, output: Int32) {
        do throws(HostFailure) {
            let made = try SessionFolder.made(order.account, order.session)
            return (SessionFolder.path(order.account, order.session), try fill(made))
        } catch {
            guard error.kind == .diskFull, entry.container != nil else { throw error }
            DisplayEntry.tellFullHome(report)
            return (SessionFolder.pathInMemory(order.session), try fill(SessionFolder.madeInMemory(order.session)))
        }
    }

    private func fill(_ folder: Folder) throws(HostFailure) -> Int32 {
        try folder.write("resources", Array(order.resources.exposed.utf8))
        if let text = order.parameters { try folder.write("parameters.hz", Array(text.utf8)) }
        let output = try folder.open("app.log", O_WRONLY | O_CREAT | O_APPEND, 0o640)
        guard fchdir(folder.descriptor) == 0 else { throw failure("chdir") }
        return output
    }
}
