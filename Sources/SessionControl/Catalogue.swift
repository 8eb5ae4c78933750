import SessionModel
import SessionStore
import SettingsFile
import Synchronization

/// The applications there are: files of `apps.d` first, then the portal's published tools.
final class Catalogue: Sendable {
    private let folder: String
    private let timeout: Duration
    private let database: Database
    /// The files as last read, and what the folder looked like then.
    private let read = Mutex<(mark: String, files: [ApplicationFile])>(("", []))

    init(folder: String, timeout: Duration, database: Database) {
        self.folder = folder
        self.timeout = timeout
        self.database = database
    }

    /// The application named `name`, ready to start.
    func application(_ name: ApplicationName) async throws -> Application {
        if let file = try files().first(where: { $0.application.name == name }) {
            if let key = file.unsupported.first { throw SessionError.applicationIncomplete(name, key: key) }
            return file.application
        }
        guard let application = try await database.portalApplication(name) else {
            throw SessionError.applicationUnknown(name)
        }
        return application
    }

    /// All of them, by name.
    func all() async throws -> [(Application, source: String)] {
        let files = try files().map { ($0.application, source: "apps.d") }
        let names = Set(files.map(\.0.name))
        let portal = try await database.portalApplications().filter { !names.contains($0.name) }
        return (files + portal.map { ($0, source: "portal") }).sorted { $0.0.name < $1.0.name }
    }

    /// Reads the folder again only when a file in it came, went or changed.
    private func files() throws -> [ApplicationFile] {
        let mark = ApplicationFolder.mark(of: folder)
        if let files = read.withLock({ $0.mark == mark ? $0.files : nil }) { return files }
        let files = try ApplicationFolder.load(folder, timeout: timeout)
        read.withLock { $0 = (mark, files) }
        return files
    }
}
