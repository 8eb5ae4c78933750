import Logging
import SessionModel
import SessionStore
import SettingsFile
import Synchronization

/// The applications there are: files of `apps.d` first, then the portal's published tools.
final class Catalogue: Sendable {
    private let folder: String
    private let timeout: Duration
    private let limits: ResourceLimits
    private let database: Database
    private let log: Logger
    /// The files as last read, and what the folder looked like then.
    private let read = Mutex<(mark: String, files: [Application], mistakes: SettingsErrors?)>(("", [], nil))

    init(folder: String, timeout: Duration, limits: ResourceLimits, database: Database, log: Logger) {
        self.folder = folder
        self.timeout = timeout
        self.limits = limits
        self.database = database
        self.log = log
    }

    /// The application named `name`, ready to start.
    func application(_ name: ApplicationName) async throws -> Application {
        if let application = files().first(where: { $0.name == name }) { return application }
        guard let application = try await database.portalApplication(name) else {
            throw SessionError.applicationUnknown(name)
        }
        return application
    }

    /// All of them, by name.
    func all() async throws -> [(Application, source: String)] {
        let files = files().map { ($0, source: "apps.d") }
        let names = Set(files.map(\.0.name))
        let portal = try await database.portalApplications().filter { !names.contains($0.name) }
        return (files + portal.map { ($0, source: "portal") }).sorted { $0.0.name < $1.0.name }
    }

    /// Reads the folder again only when a file in it came, went or changed. While one has a mistake, what was read last
    /// stays in force and the mistake is logged once.
    private func files() -> [Application] {
        read.withLock { read in
            do throws(SettingsErrors) {
                let mark = try ApplicationFiles.mark(of: folder)
                guard mark != read.mark else { return read.files }
                read.mark = mark
                read.files = try ApplicationFiles.load(folder: folder, timeout: timeout, limits: limits)
            } catch  where error != read.mistakes {
                read.mistakes = error
                log.event("applications have mistakes", level: .error, [.cause: error.description])
            } catch {}
            return read.files
        }
    }
}
