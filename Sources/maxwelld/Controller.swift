import ArgumentParser
import CLinux
import ControlSocket
import Glibc
import LDAPDirectory
import Logging
import ServiceLifecycle
import SessionControl
import SessionModel
import SessionStore
import SettingsFile

/// The controller's command line.
@main
struct Controller: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "maxwelld", abstract: "The controller of a Maxwell gateway.",
        discussion: "Runs in the foreground, logs to standard error, ends on SIGTERM; sessions live on.",
        version: maxwellVersion)

    @Option(help: "The settings file; $MAXWELL_CONFIG or /etc/maxwell/maxwell.yaml unless given.")
    var config: String?

    @Flag(help: "Check the settings and the secrets' files, tell every mistake, and exit.")
    var check = false

    @Flag(help: "Print every setting as it is in effect, and exit.")
    var printEffective = false

    @Flag(help: "Bring the database up to this release, and exit. Only root or the controller's user may.")
    var migrate = false

    func run() async throws {
        signal(SIGPIPE, SIG_IGN)
        let path = config ?? SettingsPath.standard()
        do {
            let settings = try Settings.load(path: path)
            if printEffective { return print(settings.effectiveText, terminator: "") }
            let secrets = try Secrets(of: settings)
            if check {
                _ = try ApplicationFiles.load(
                    folder: settings.applications.folder, timeout: settings.sessions.timeout)
                return print("\(path): no mistakes")
            }
            if migrate { return try await Self.migrate(settings, secrets) }
            try await Self.serve(settings, secrets)
        } catch let error as SettingsErrors {
            say(error.description)
            throw ExitCode(SessionModel.ExitStatus.configuration.rawValue)
        } catch let error as any UserFacingError {
            say(error.userMessage)
            if let cause = error.operatorCause { say(cause) }
            throw ExitCode(error.exitStatus.rawValue)
        }
    }

    private static func migrate(_ settings: Settings, _ secrets: Secrets) async throws {
        let caller = geteuid()
        guard caller == 0 || caller == getpwnam(settings.controller.user)?.pointee.pw_uid else {
            throw Refusal("Only root or \(settings.controller.user) may migrate the database.", .noPermission)
        }
        let applied = try await Database(settings.database.address(password: secrets.database)).migrate()
        print(applied.isEmpty ? "The database is up to date." : "Applied \(applied.joined(separator: ", ")).")
    }

    private static func serve(_ settings: Settings, _ secrets: Secrets) async throws {
        raiseDescriptorLimit()
        clinux_share_heaps(2)
        LoggingSystem.bootstrap { StreamLogHandler.standardError(label: $0) }
        var log = Logger(label: "maxwelld")
        log.logLevel = Logger.Level(rawValue: settings.controller.logLevel.rawValue) ?? .info
        let gateway = Gateway(
            settings: settings, database: Database(settings.database.address(password: secrets.database)),
            directory: Directory(
                settings.ldap.directory(
                    password: secrets.directory, reserved: settings.uids, homes: settings.homes)),
            log: log)
        let listener = try ControlListener(path: settings.controller.socket)
        try listener.serve { request, caller in await gateway.answer(request, from: caller) }
        log.info("controller ready", metadata: ["version": "\(maxwellVersion)"])
        noticeService("READY=1")
        let group = ServiceGroup(
            services: [GatewayService(gateway: gateway, listener: listener), MemoryService()],
            gracefulShutdownSignals: [.sigterm, .sigint], logger: log)
        try await group.run()
    }
}

/// The gateway for as long as the process is asked to stay.
private struct GatewayService: Service {
    let gateway: Gateway
    let listener: ControlListener

    func run() async throws {
        await cancelWhenGracefulShutdown { await gateway.run() }
        listener.close()
    }
}

/// Gives back, every minute, the memory that a busy hour needed.
private struct MemoryService: Service {
    func run() async throws {
        await cancelWhenGracefulShutdown {
            while (try? await Task.sleep(for: .seconds(60))) != nil { clinux_give_back_memory() }
        }
    }
}

/// One line to standard error.
private func say(_ line: String) {
    let bytes = Array((line + "\n").utf8)
    _ = write(STDERR_FILENO, bytes, bytes.count)
}

/// Every viewer's link is a descriptor, in ssh too, which inherits the limit.
private func raiseDescriptorLimit() {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
    limit.rlim_cur = limit.rlim_max
    setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
}
